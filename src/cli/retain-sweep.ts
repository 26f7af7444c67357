import { terminalSafe } from "../core/printable.ts";
import type { SweptExhibit, SweptRecord, WholeSweep } from "../core/sweep-report.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** More records than these are counted and not listed in the document. */
const listedAtMost = 1_000;

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
  const records: SweptRecord[] = [];
  let looked = 0;
  let said = clock().getTime();
  const progress = (last: string): void => {
    looked += 1;
    if (clock().getTime() - said < lineMs) return;
    said = clock().getTime();
    output.say(terminalSafe(`${looked} exhibits and records looked at, the last ${last}`));
  };
  const report = await app.sweeping.sweep(
    dryRun,
    why,
    {
      exhibit(swept) {
        progress(swept.exhibit);
        if (swept.lock === "kept" && swept.renewal === "not-due") return;
        if (output.jsonl) output.data(JSON.stringify(swept));
        else if (output.json) listed.push(swept);
        else output.data(terminalSafe(line(swept.exhibit, swept)));
      },
      record(swept) {
        progress(swept.key);
        if (swept.lock === "kept" && swept.renewal === "not-due" && swept.text === "") return;
        if (output.jsonl) output.data(JSON.stringify(swept));
        else if (!output.json) output.data(terminalSafe(line(`${swept.vault} ${swept.key}`, swept)));
        else if (records.length < listedAtMost) records.push(swept);
      },
    },
    session.signal,
  );
  const { outcome, code } = outcomeOf(report);
  const whole = { schema: "holdfast.sweep/1", outcome, dryRun, renewBefore: config.retention.renewBefore, ...digitsOf(report) };
  present(output, output.jsonl ? whole : ({ ...whole, exhibits: listed, recordList: records } as { schema: string }), null, () => summary(report, dryRun));
  return code;
}

/** A promise that is broken outranks one that could not be renewed, and that outranks one that could not be read. */
function outcomeOf(report: WholeSweep): { readonly outcome: "well" | "broken" | "not-renewed" | "unread"; readonly code: number } {
  const { records } = report;
  if (report.broken + records.broken > 0) return { outcome: "broken", code: 5 };
  if (report.failed + records.failed > 0) return { outcome: "not-renewed", code: 4 };
  if (report.unread + records.unread > 0) return { outcome: "unread", code: 9 };
  return { outcome: "well", code: 0 };
}

function digitsOf({ nextDue, records, act, ...counts }: WholeSweep): object {
  const digits = (numbers: object): object => Object.fromEntries(Object.entries(numbers).map(([name, count]) => [name, String(count)]));
  return { ...digits(counts), records: digits(records), nextDue, act };
}

function line(what: string, { lock, renewal, until, text }: Pick<SweptExhibit, "lock" | "renewal" | "until" | "text">): string {
  const renewed = { "not-due": "", cut: "", due: `  due, would be kept until ${until}`, renewed: `  renewed until ${until}`, failed: "  NOT RENEWED" }[renewal];
  return `${what}  lock ${lock}${renewed}  ${text}`;
}

function summary(report: WholeSweep, dryRun: boolean): readonly string[] {
  const { cut, neverShown, nextDue, records } = report;
  const counts = ({ renewed, due, failed, broken, unread }: WholeSweep["records"]): string =>
    `${dryRun ? `${due} due (nothing was changed)` : `${renewed} renewed`}, ${failed} not renewed, ${broken} with a promise broken, ${unread} unread`;
  return [
    `${report.looked} kept exhibits looked at: ${counts(report)}`,
    `${records.looked} objects of the custody record (mirror, exhibit.json) looked at: ${counts(records)}`,
    ...(cut > 0 ? [`${cut} end when two persons decided, and are not renewed unless a hold or an extension comes`] : []),
    ...(neverShown > 0 ? [`${neverShown} have no lock that was ever read back as asked; \`holdfast verify\` says more`] : []),
    ...(nextDue === null ? [] : [`Sweep again before ${nextDue}: then the next one is due`]),
  ];
}
