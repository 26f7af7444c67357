import type { Lines } from "../../src/stream/archive.ts";
import type { Aws } from "./aws.ts";
import type { Pass } from "./pass.ts";

/** One archive of logs while it is made. */
export type LogReading = {
  readonly aws: Aws;
  readonly lines: Lines;
  readonly pass: Pass;
  /** Sentences that whoever reads the exhibit must know whatever its outcome. */
  readonly remarks: Set<string>;
  readonly signal: AbortSignal;
};
