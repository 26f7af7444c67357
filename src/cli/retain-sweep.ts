import { terminalSafe } from "../core/printable.ts";
import type { SweepReport, SweptExhibit } from "../core/sweep-report.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** Milliseconds between two lines of progress. */
const lineMs = 10_000;

/** Exhibits that are as promised and not due are counted and not listed, so that a home of any size is swept in little memory. */
export async function retainSweep(session: Session, options: Options): Promise<number> {
  const { output } = session;
  const dryRun = options["dryRun"] === true;
  const why = {
    reason: optionText(options, "reason") ?? "retention sweep: cases that are open are renewed before their locks lapse",
    authority: optionText(options, "authority") ?? null,
  };
  const app = await session.app();
  const { clock, config } = app.services;
  const listed: SweptExhibit[] = [];
  let looked = 0;
  let said = clock().getTime();
  const report = await app.sweeping.sweep(
    dryRun,
    why,
    (swept) => {
      looked += 1;
      if (clock().getTime() - said >= lineMs) {
        said = clock().getTime();
        output.say(terminalSafe(`${looked} exhibits looked at, the last ${swept.exhibit}`));
      }
      if (swept.lock === "kept" && swept.renewal === "not-due") return;
      if (output.jsonl) output.data(JSON.stringify(swept));
      else if (output.json) listed.push(swept);
      else output.data(terminalSafe(line(swept)));
    },
    session.signal,
  );
  const { outcome, code } = outcomeOf(report);
  const whole = { schema: "holdfast.sweep/1", outcome, dryRun, renewBefore: config.retention.renewBefore, ...digitsOf(report) };
  present(output, output.jsonl ? whole : ({ ...whole, exhibits: listed } as { schema: string }), null, () => summary(report, dryRun));
  return code;
}

/** A promise that is broken outranks one that could not be renewed, and that outranks one that could not be read. */
function outcomeOf(report: SweepReport): { readonly outcome: "well" | "broken" | "not-renewed" | "unread"; readonly code: number } {
  if (report.broken > 0) return { outcome: "broken", code: 5 };
  if (report.failed > 0) return { outcome: "not-renewed", code: 4 };
  if (report.unread > 0) return { outcome: "unread", code: 9 };
  return { outcome: "well", code: 0 };
}

function digitsOf({ nextDue, ...counts }: SweepReport): object {
  return { ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)])), nextDue };
}

function line({ exhibit, lock, renewal, until, text }: SweptExhibit): string {
  const renewed = { "not-due": "", cut: "", due: `  due, would be kept until ${until}`, renewed: `  renewed until ${until}`, failed: "  NOT RENEWED" }[renewal];
  return `${exhibit}  lock ${lock}${renewed}  ${text}`;
}

function summary(report: SweepReport, dryRun: boolean): readonly string[] {
  const { looked, renewed, cut, due, failed, broken, unread, neverShown, nextDue } = report;
  return [
    `${looked} kept exhibits looked at: ${dryRun ? `${due} due (nothing was changed)` : `${renewed} renewed`}, ${failed} not renewed, ${broken} with a promise broken, ${unread} unread`,
    ...(cut > 0 ? [`${cut} end when two persons decided, and are not renewed unless a hold or an extension comes`] : []),
    ...(neverShown > 0 ? [`${neverShown} have no lock that was ever read back as asked; \`holdfast verify\` says more`] : []),
    ...(nextDue === null ? [] : [`Sweep again before ${nextDue}: then the next one is due`]),
  ];
}
