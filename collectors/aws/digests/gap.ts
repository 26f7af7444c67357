import type { Gap } from "../../../src/core/outcome.ts";
import { printable } from "../../../src/core/printable.ts";
import { type ChainLine, type DigestVerdict, type LogVerdict, standingOf } from "./line.ts";

/** What a line of the report leaves open, as a gap of the exhibit's coverage; null where it leaves nothing. */
export function gapOfLine(line: ChainLine): Gap | null {
  switch (line.kind) {
    case "digest":
      if (standingOf(line.verdict) === "valid") return null;
      return {
        what: `digest ${printable(`${line.bucket}/${line.key}`)}`,
        outcome: outcomeOf(line.verdict),
        reason: `${line.verdict}: ${printable(line.text ?? "")}`,
      };
    case "log":
      if (standingOf(line.verdict) === "valid") return null;
      return {
        what: `log file ${printable(`${line.bucket}/${line.key}`)}`,
        outcome: outcomeOf(line.verdict),
        reason: `${line.verdict}: ${printable(line.text ?? "")}`,
      };
    case "uncovered":
      return {
        what: `digests of ${line.window.since} to ${line.window.until}`,
        outcome: line.where === "restart" ? "source-disabled" : "unavailable",
        reason: line.text,
      };
    case "restart":
    case "summary":
      return null;
    default:
      return line satisfies never;
  }
}

function outcomeOf(verdict: DigestVerdict | LogVerdict): Gap["outcome"] {
  if (verdict === "missing") return "unavailable";
  if (verdict === "denied") return "denied";
  return verdict === "too-large" ? "truncated" : "failed";
}
