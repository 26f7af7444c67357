import type { Window } from "../../../src/core/window.ts";
import { type ChainLine, standingOf, type Standing, type SummaryLine } from "./line.ts";
import type { ChainOrder } from "./order.ts";

/** Counts lines as they pass, and sums them up. */
export type ChainTally = ((line: ChainLine) => ChainLine) & { summary(covered: Window | null, listed: boolean): SummaryLine };

export function chainTally(order: ChainOrder): ChainTally {
  const digests: Record<Standing, number> = { valid: 0, invalid: 0, unverifiable: 0 };
  const logs: Record<Standing, number> = { valid: 0, invalid: 0, unverifiable: 0 };
  const unnamed = { added: 0, moved: 0, uncovered: 0 };
  let [uncovered, restarts] = [0, 0];
  const count = (line: ChainLine): ChainLine => {
    switch (line.kind) {
      case "digest":
        digests[standingOf(line.verdict)] += 1;
        break;
      case "log":
        if (line.verdict === "added" || line.verdict === "moved" || line.verdict === "uncovered") unnamed[line.verdict] += 1;
        else logs[standingOf(line.verdict)] += 1;
        break;
      case "uncovered":
        uncovered += 1;
        break;
      case "restart":
        restarts += 1;
        break;
      case "summary":
        break;
      default:
        return line satisfies never;
    }
    return line;
  };
  const summary = (covered: Window | null, listed: boolean): SummaryLine => {
    const bad = digests.invalid + logs.invalid + unnamed.added + unnamed.moved;
    const open = digests.unverifiable + logs.unverifiable + unnamed.uncovered + uncovered;
    const verdict = bad > 0 ? "invalid" : open > 0 ? "unverifiable" : "valid";
    const text = [
      `${digests.valid} of ${sum(digests)} digests and ${logs.valid} of ${sum(logs)} named log files are valid`,
      listed ? `${sum(unnamed)} log files are named by no digest` : "log files that no digest names were not looked for",
      `${uncovered} stretch(es) of the window are covered by no digest`,
      ...(restarts > 0 ? [`the chain starts anew ${restarts} time(s)`] : []),
    ].join("; ");
    const { trailArn: trail, account, region, bucket, window: asked } = order;
    const counts = { digests: { ...digests }, logs: { ...logs }, unnamed: listed ? { ...unnamed } : null, uncovered, restarts };
    return { kind: "summary", trail, account, region, bucket, asked, covered, verdict, ...counts, text };
  };
  return Object.assign(count, { summary });
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}
