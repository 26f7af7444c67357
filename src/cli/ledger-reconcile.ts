import { terminalSafe } from "../core/printable.ts";
import type { ReconcileReport, UnexplainedCall } from "../core/reconcile-report.ts";
import { parseDuration, parseTime } from "../core/window.ts";
import { required } from "./ask.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** More than these are counted, printed one by one without --json, and not listed in the document. */
const listedAtMost = 10_000;

export async function ledgerReconcile(session: Session, options: Options): Promise<number> {
  const { output } = session;
  const sinceText = await required(session, optionText(options, "since"), "--since", "since when?");
  const logs = await required(session, optionText(options, "logs"), "--logs", "which folder, or s3://BUCKET/PREFIX, has the vault's access logs?");
  const tolerance = parseDuration(optionText(options, "tolerance") ?? "15m", "--tolerance");
  const app = await session.app();
  const since = parseTime(sinceText, app.services.clock(), "--since").getTime();
  const listed: UnexplainedCall[] = [];
  const report = await app.reconciling.reconcile(
    logs,
    { since, tolerance },
    (call) => {
      if (output.jsonl) output.data(JSON.stringify(call));
      else if (!output.json) output.data(terminalSafe(callLine(call)));
      else if (listed.length < listedAtMost) listed.push(call);
    },
    session.signal,
  );
  const { outcome, code } = outcomeOf(report);
  const text = words(report);
  const document = { schema: "holdfast.reconcile/1", outcome, ...digitsOf(report), text };
  present(output, output.jsonl ? document : ({ ...document, list: listed } as { schema: string }), null, () => text.map(terminalSafe));
  return code;
}

/**
 * contract.md, exit codes: 5 is for what is altered, missing, rolled back or forked, and never for anything else. A call that no act
 * explains says none of that of the bytes (`verify` does): that every call is ours could not be verified, which is 9.
 */
function outcomeOf(report: ReconcileReport): { readonly outcome: "explained" | "unexplained" | "partial" | "nothing-logged"; readonly code: number } {
  if (report.unexplained > 0) return { outcome: "unexplained", code: 9 };
  if (report.covered === null) return { outcome: "nothing-logged", code: 9 };
  if (report.unreadable > 0 || report.unlogged.length > 0 || byTimeAlone(report)) return { outcome: "partial", code: 9 };
  return { outcome: "explained", code: 0 };
}

/** An intruder beside an act of ours would be explained by it, where nothing tells which principals are ours. */
function byTimeAlone({ calls, principals }: ReconcileReport): boolean {
  return calls.byTime > 0 && principals.length === 0;
}

function digitsOf({ files, lines, unreadable, unexplained, calls, ...rest }: ReconcileReport): object {
  const counts = { files, lines, unreadable, unexplained };
  const digits = (numbers: object): object => Object.fromEntries(Object.entries(numbers).map(([name, count]) => [name, String(count)]));
  return { ...digits(counts), calls: digits(calls), ...rest };
}

function callLine(call: UnexplainedCall): string {
  const what = call.outcome === "refused" ? `${call.what} attempt` : call.what;
  return `${call.time}  unexplained ${what}  ${call.exhibit ?? `an object of ${call.bucket} that the log does not name`}  ${call.operation}  by ${call.requester} from ${call.address}  request ${call.requestId}  (${call.log})`;
}

/** What may be said, and no more: "every" is of what the logs hold (design.md, integrity rule 7). */
function words(report: ReconcileReport): readonly string[] {
  const { covered, calls, unexplained, unlogged, unreadable, principals } = report;
  if (covered === null)
    return [`The logs hold no call since ${report.since}: nothing can be said of reads (${report.files} files, ${unreadable} lines unreadable).`];
  const how = `${calls.byRequestId} by request id, ${calls.byTime} by time, key and kind of act${principals.length > 0 ? " and by a principal whose request ids are ours" : " alone, for no request id of ours is in the logs"}`;
  const whole = unexplained === 0 && unreadable === 0 && !byTimeAlone(report);
  return [
    whole
      ? `Every read, write, deletion and change of a lock of an exhibit's object that these logs hold from ${covered.since} to ${covered.until} is explained by an act: ${how}.`
      : `From ${covered.since} to ${covered.until}: ${unexplained} calls on objects of exhibits are explained by no act; of the others ${how}.`,
    ...(calls.looks > 0
      ? [`${calls.looks} looks at what is around the bytes (HEAD, lock, tags) belong to no act: doctor, status and sweeps look so too.`]
      : []),
    ...(unreadable > 0 ? [`${unreadable} lines or files could not be read as access logs; the first: ${report.firstUnreadable ?? ""}.`] : []),
    ...unlogged.map((act) => `Act ${act.seq} (${act.act} of ${act.exhibit}, ${act.time}) has no call in the logs.`),
    "Stores deliver access logs as best they can and late: a call that is not in them may have been made, and an act without one is no proof of anything by itself.",
  ];
}
