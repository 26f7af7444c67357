import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";
import { assuranceLines, ledgerDocument, verdictExit } from "./verify.ts";

/** The signed note of the newest checkpoint, verbatim: what a third party can hold on to. */
export async function ledgerCheckpoint(session: Session): Promise<number> {
  const app = await session.app();
  const note = app.services.reader((reader) => reader.note());
  if (note === null) throw new HoldfastError("ledger", "this ledger has no checkpoint yet; it gets one with its first act");
  if (session.output.json) present(session.output, { schema: "holdfast.checkpoint/1", note } as { schema: string }, null, () => []);
  else session.output.data(note.trimEnd());
  return 0;
}

export async function ledgerAudit(session: Session, options: Options): Promise<number> {
  const offline = options["offline"] === true;
  const app = await session.app();
  const audit = await app.checking.audit(!offline, optionText(options, "receipts") ?? null, session.signal);
  const { receipts } = audit;
  const document = {
    schema: "holdfast.audit/1",
    assurance: audit.assurance,
    ...ledgerDocument(audit),
    receipts: receipts === null ? null : { agree: String(receipts.agree), newest: String(receipts.newest) },
  };
  present(session.output, document, null, () => [
    `${audit.verdict}  ${audit.found.origin}  size ${audit.found.size}  root ${audit.found.root}`,
    ...audit.problems.map((problem) => terminalSafe(`  ${problem.kind}${problem.seq === null ? "" : ` at act ${problem.seq}`}: ${problem.text}`)),
    ...(receipts === null
      ? []
      : [
          `Receipts  ${receipts.agree} that others hold agree with this ledger${receipts.agree === 0 ? "" : `, the newest has its first ${receipts.newest} acts`}`,
        ]),
    ...assuranceLines(audit, offline),
  ]);
  return verdictExit(audit.verdict);
}
