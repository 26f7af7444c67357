import type { Gap } from "../../../src/core/outcome.ts";
import type { StreamSource } from "../../../src/core/source.ts";
import type { Lines } from "../../../src/stream/archive.ts";
import type { Aws } from "../aws.ts";
import type { Pass } from "./pass.ts";

/** One archive of logs while it is made. */
export type LogReading = {
  readonly aws: Aws;
  readonly lines: Lines;
  readonly pass: Pass;
  /** Sentences that whoever reads the exhibit must know whatever its outcome. */
  readonly remarks: Set<string>;
  /** Signs that somebody worked on the logs: they stand before all other gaps, of which an act names but the first. */
  readonly tampered: Gap[];
  readonly signal: AbortSignal;
};

/** The archive, with what it says of the logs' own story in the first place. */
export function reported(source: StreamSource, { remarks, tampered }: Pick<LogReading, "remarks" | "tampered">): StreamSource {
  return {
    ...source,
    report() {
      const report = source.report();
      const [first] = tampered;
      const said = [...(first === undefined ? [] : [`logging was tampered with ${tampered.length} time(s): ${first.what}`]), ...remarks];
      const known = new Set(tampered.map(({ what, reason }) => `${what} ${reason}`));
      const others = (report.coverage?.gaps ?? []).filter(({ what, reason }) => !known.has(`${what} ${reason}`));
      return {
        ...report,
        detail: [...said, ...(report.detail === null ? [] : [report.detail])].join("; ") || null,
        coverage: report.coverage === null ? null : { ...report.coverage, gaps: [...tampered, ...others] },
      };
    },
  };
}
