import type { Protocol } from "./service.ts";

/** One call and its answer, as they went over the wire; the vendor's model is held against them (aws-model.ts). */
export type AwsExchange = {
  readonly service: string;
  readonly protocol: Protocol;
  readonly operation: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly region: string;
  readonly at: Date;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text of the request's body; null where bodies are not kept, and for bytes. */
  readonly body: string | null;
  /** 0 where the connection was reset instead. */
  readonly status: number;
  /** The error's code; null for success. */
  readonly code: string | null;
  /** Whether the operation ran: false for what was refused or reset before. */
  readonly done: boolean;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerBody: string | null;
};
