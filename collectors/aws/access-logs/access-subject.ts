import type { Window } from "../../../src/core/window.ts";
import type { AskedLog } from "./asked-logs.ts";

/** What the access logs are asked about. */
export type AccessSubject = {
  readonly window: Window;
  readonly logs: readonly AskedLog[];
  /** ARN of the instance profile. */
  readonly profile: string | null;
  /** Its interfaces, subnets and VPC. */
  readonly around: readonly string[];
};
