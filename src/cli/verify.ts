import type { ExhibitCheck } from "../core/exhibit-check.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import type { LedgerAudit } from "../core/verdict.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** Recomputes the ledger and re-reads exhibits. 5 only for damage found; 9 where something could not be checked. */
export async function verify(session: Session, ids: readonly string[], caseId: string | null, quick: boolean, offline: boolean): Promise<number> {
  if (caseId !== null && ids.length > 0)
    throw new HoldfastError("usage", "--case and exhibits were both given; name the exhibits, or give --case for all exhibits of the case");
  const app = await session.app();
  const report = await app.checking.verify(
    { case: caseId, exhibits: ids, quick, offline },
    (check) => session.output.say(terminalSafe(`${check.id} read: ${check.verdict}`)),
    session.signal,
  );
  const document = {
    schema: "holdfast.verify/1",
    verdict: report.verdict,
    assurance: report.ledger.assurance,
    recorded: report.recorded,
    ledger: ledgerDocument(report.ledger),
    exhibits: report.exhibits,
  };
  // With --jsonl the last line is the whole's verdict: a damaged ledger without readable exhibits must not be silence.
  const { exhibits, ...whole } = document;
  present(session.output, document, [...exhibits, whole], () => [
    `Ledger    ${report.ledger.verdict}: ${report.ledger.found.size} acts recomputed from their leaves`,
    ...report.ledger.problems.map((problem) => terminalSafe(`          ${problem.kind}: ${problem.text}`)),
    ...report.exhibits.map((check) => terminalSafe(checkLine(check))),
    `Verdict   ${report.verdict} (${report.exhibits.length} exhibit${report.exhibits.length === 1 ? "" : "s"}${quick ? ", quick" : ""})${heldText(report.exhibits)}`,
    ...assuranceLines(report.ledger, offline),
  ]);
  return verdictExit(report.verdict);
}

export function verdictExit(verdict: "intact" | "altered" | "missing" | "rollback" | "fork" | "unverifiable"): number {
  switch (verdict) {
    case "intact":
      return 0;
    case "altered":
    case "missing":
    case "rollback":
    case "fork":
      return 5;
    case "unverifiable":
      return 9;
    default:
      return verdict satisfies never;
  }
}

export function ledgerDocument(audit: LedgerAudit): object {
  return {
    verdict: audit.verdict,
    size: audit.found.size,
    root: audit.found.root,
    checked: {
      entries: audit.found.size,
      anchors: audit.anchors,
      covers: audit.covers.map((c) => ({ ...c, size: String(c.size) })),
      unreachable: audit.unreachable,
    },
    problems: audit.problems.map((problem) => ({ ...problem, seq: problem.seq === null ? null : String(problem.seq) })),
  };
}

/** Never claim more than the anchors prove (design.md, integrity rule 9). */
export function assuranceLines(audit: LedgerAudit, offline: boolean): readonly string[] {
  if (audit.covers.length === 0)
    return [
      `Assurance self: the ledger agrees with itself and with its own keys. Nothing outside this machine vouches for it; whoever holds this machine and its keys could have rewritten all of it.`,
      ...unreachableLines(audit),
    ];
  const size = Number(audit.found.size);
  const covered = Math.max(...audit.covers.map((cover) => cover.size));
  return [
    `Assurance ${audit.assurance}: ${audit.covers.map((c) => `${c.anchor} vouches for the first ${c.size} of ${size} acts as of ${c.time}`).join("; ")}.`,
    ...(covered < size ? [`The last ${size - covered} acts are vouched for by nothing outside yet; \`holdfast ledger anchor\` asks now.`] : []),
    ...(offline && audit.covers.some((c) => c.anchor.startsWith("witness:"))
      ? ["No witness was asked now (--offline): a whole home that was put back to an older state would not be seen."]
      : []),
    ...unreachableLines(audit),
  ].map(terminalSafe);
}

function unreachableLines(audit: LedgerAudit): readonly string[] {
  return audit.unreachable.length === 0
    ? []
    : [terminalSafe(`Not checked, because it could not be reached or has given nothing yet: ${audit.unreachable.join(", ")}.`)];
}

/** Their bytes were not read by anybody: the verdict must not sound as if they were. */
function heldText(exhibits: readonly ExhibitCheck[]): string {
  const held = exhibits.filter((check) => check.verdict === "held-by-provider").length;
  return held === 0 ? "" : `; ${held} of them held in place by the provider under its lock, without a digest of ours`;
}

function checkLine(check: ExhibitCheck): string {
  return `${check.id}  ${check.verdict}  (${check.method})  ${check.text}`;
}
