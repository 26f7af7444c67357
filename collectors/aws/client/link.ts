import type { CallName, DryRunName } from "../calls/calls.ts";

/** The SDKs by the prefix of their calls. Types only: each is loaded with the first call that needs it. */
export type Sdks = {
  readonly autoscaling: typeof import("@aws-sdk/client-auto-scaling");
  readonly cloudtrail: typeof import("@aws-sdk/client-cloudtrail");
  readonly ebs: typeof import("@aws-sdk/client-ebs");
  readonly ec2: typeof import("@aws-sdk/client-ec2");
  readonly elasticloadbalancing: typeof import("@aws-sdk/client-elastic-load-balancing-v2");
  readonly iam: typeof import("@aws-sdk/client-iam");
  readonly kms: typeof import("@aws-sdk/client-kms");
  readonly logs: typeof import("@aws-sdk/client-cloudwatch-logs");
  readonly s3: typeof import("@aws-sdk/client-s3");
  readonly ssm: typeof import("@aws-sdk/client-ssm");
  readonly sts: typeof import("@aws-sdk/client-sts");
};
export type ServiceName = keyof Sdks;

type CommandOf<N extends CallName> = N extends `${infer S extends ServiceName}:${infer Operation}`
  ? `${Operation}Command` extends keyof Sdks[S]
    ? Sdks[S][`${Operation}Command`] extends abstract new (
        ...args: never
      ) => infer C
      ? C
      : never
    : never
  : never;

/** What the SDK takes and gives for a call. A row that names no operation of its SDK gives never, and cannot be asked. */
export type Input<N extends CallName> = CommandOf<N> extends { readonly input: infer I extends object } ? I : never;
export type Output<N extends CallName> =
  CommandOf<N> extends { resolveMiddleware(...args: never): (...args: never) => Promise<{ output: infer O extends object }> } ? O : never;

/** source: the target's account; evidence: where copies go. Each has its credentials. */
export type Scope = "source" | "evidence";

/** An answer as it came over the wire, below the SDK's parser. */
export type Wire = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly bytes: Uint8Array };

/**
 * What a refusal means: denied, no such thing, wrong question, in the way of something else, or a quota. Whatever else goes wrong
 * is no answer: the ask rejects.
 */
export const refusals = ["denied", "missing", "invalid", "conflict", "limit"] as const;
export type Refusal = (typeof refusals)[number];

export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T; readonly requestId: string; readonly date: string | null; readonly wire: Wire | null }
  | {
      readonly kind: "refused";
      readonly call: CallName;
      readonly trouble: Refusal;
      /** The service's own code: `InvalidSnapshot.NotFound`. */
      readonly code: string;
      readonly text: string;
      readonly requestId: string;
      readonly date: string | null;
      readonly wire: Wire | null;
    };

export type AskOptions<T> = {
  /** Keeps the answer's bytes (at most 64 MiB). Not for bodies that are streams. */
  readonly keepWire?: boolean;
  /** How many times the usual limit this call may take. Default 1. */
  readonly patience?: number;
  /**
   * After an answer that was lost: looks whether it happened. Null means that it did not, and it is asked again. Without it, a call
   * that changes something and is not repeatable rejects with `unreachable`: the caller must look before it asks again.
   */
  readonly settle?: () => Promise<Answer<T> | null>;
  /** Told of every try that was throttled, with the reason where the service gives one (EBS direct: whose limit it was). */
  readonly throttled?: (code: string, reason: string | null) => void;
  /** How many throttled tries before it rejects. Default 12; 1 for who paces by a budget of their own. */
  readonly throttledTries?: number;
  /** ebs:GetSnapshotBlock only: asked for when the first byte of an answer comes, for memory that is used again. */
  readonly room?: () => Uint8Array;
};

/** Who answers to these credentials. */
export type Identity = { readonly account: string; readonly arn: string; readonly partition: string };

/** Every answered call, for doctor's clock offset and for the proof that table and calls agree. */
export type Observed = {
  readonly scope: Scope | "base";
  readonly region: string;
  readonly name: CallName;
  readonly kind: "answer" | "refused";
  readonly requestId: string;
  /** The service's Date header, and our clock when the request left and its answer came. */
  readonly date: string | null;
  readonly sent: Date;
  readonly received: Date;
};

/**
 * The one way to AWS. Retries what may be retried (throttling, broken connections, 5xx) with full jitter, renews credentials, and
 * sorts refusals from breakdowns. Rejects with HoldfastError: `paused` (credentials ended and there are no new ones), `unreachable`
 * (no clear answer after all tries), `config` (no credentials, a role that may not be assumed, a wrong endpoint). Safe to use
 * concurrently. `region` null is the target's.
 */
export type AwsLink = {
  readonly region: string;
  ask<N extends CallName>(
    scope: Scope,
    region: string | null,
    name: N,
    input: Input<N>,
    signal: AbortSignal,
    options?: AskOptions<Output<N>>,
  ): Promise<Answer<Output<N>>>;
  /** Asks whether the call would be allowed; it is not carried out. */
  dryRun<N extends DryRunName>(scope: Scope, region: string | null, name: N, input: Input<N>, signal: AbortSignal): Promise<Answer<null>>;
  /** A call whose answer is bytes, read whole inside the retry: for blocks and small objects. `limit` bytes at most, else `unexpected`. */
  askBytes<N extends "ebs:GetSnapshotBlock" | "s3:GetObject">(
    scope: Scope,
    region: string | null,
    name: N,
    input: Input<N>,
    limit: number,
    signal: AbortSignal,
    options?: AskOptions<{ readonly output: Output<N>; readonly bytes: Uint8Array }>,
  ): Promise<Answer<{ readonly output: Output<N>; readonly bytes: Uint8Array }>>;
  /** Asked once a scope. Rejects with `config` where the credentials are not of the target's account. */
  identity(scope: Scope, signal: AbortSignal): Promise<Identity>;
  /** Null where the configuration names no evidence account. */
  readonly evidence: { readonly kmsKey: string | null } | null;
  close(): void;
};
