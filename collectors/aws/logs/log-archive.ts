import type { Opened, StepContext } from "../../../src/core/collector.ts";
import type { Gap } from "../../../src/core/outcome.ts";
import type { Window } from "../../../src/core/window.ts";
import { archive } from "../../../src/stream/archive.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { Aws } from "../aws.ts";
import { type LogReading, reported } from "./log-reading.ts";
import { arrivedBy, endsTooSoon } from "./log-window.ts";
import type { Pass } from "./pass.ts";

type LogArchive = {
  /** `NAME.tar`, and `NAME-late.tar` for the second pass. */
  readonly name: string;
  readonly window: Window;
  readonly latenessMs: number;
  /** What a reader must know of this pass. */
  readonly remarks: readonly string[];
  /** What is said of a first pass that found nothing. */
  readonly nothing: string;
  /** The number of sources that answered, at its end. */
  readonly entries: (reading: LogReading) => AsyncGenerator<TarEntry, number>;
};

/** One archive of one pass over logs that arrive late. The first pass leaves for the second what it read to the end. */
export function logArchive(aws: Aws, at: StepContext, pass: Pass, { name, window, latenessMs, nothing, entries, ...more }: LogArchive): Opened {
  const begun = aws.slowClock();
  const remarks = new Set<string>();
  const tampered: Gap[] = [];
  let sources = 0;
  if (!pass.late && endsTooSoon(window, begun, latenessMs))
    remarks.add(`records come up to ${latenessMs / 60_000} minutes late: what arrived after this pass is in ${name}:late`);
  for (const remark of more.remarks) remarks.add(remark);
  return {
    kind: "source",
    source: reported(
      archive({
        name: pass.late ? `${name}-late.tar` : `${name}.tar`,
        clock: aws.clock,
        asked: window,
        async *entries(lines, signal) {
          sources = yield* entries({ aws, lines, pass, remarks, tampered, signal });
          if (!pass.late) at.remember(pass.memory());
        },
        nothing: { outcome: "empty", detail: pass.late ? "nothing arrived after the first pass" : nothing },
        covered: () => (sources === 0 ? null : arrivedBy(window, begun, latenessMs)),
        remark: () => null,
      }),
      { remarks, tampered },
    ),
  };
}
