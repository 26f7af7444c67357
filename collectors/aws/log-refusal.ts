import { printable } from "../../src/core/printable.ts";
import type { ManifestLine } from "../../src/stream/archive-manifest.ts";
import type { Lines } from "../../src/stream/archive.ts";
import { calledAs } from "./answer-entry.ts";
import type { CallName } from "./calls.ts";
import type { Answer } from "./link.ts";

export type Refused = Extract<Answer<unknown>, { kind: "refused" }>;

/** Why something is not here, as a line of the manifest; outcomes that explain a lack become gaps. */
export function lackLine(path: string, source: string, outcome: ManifestLine["outcome"], reason: string): ManifestLine {
  return { path: printable(path), member: null, type: "unknown", source, size: "0", sha256: null, outcome, reason };
}

function refusalOutcome({ trouble }: Refused): "denied" | "unavailable" | "failed" {
  switch (trouble) {
    case "denied":
      return "denied";
    case "missing":
      return "unavailable";
    case "invalid":
    case "conflict":
    case "limit":
      return "failed";
    default:
      return trouble satisfies never;
  }
}

export function refusalText(call: CallName, { code, text, requestId }: Refused): string {
  return `${call}: ${printable(code)}: ${printable(text)}${requestId === "" ? "" : ` (request ${printable(requestId)})`}`;
}

export function refusedLine(path: string, call: CallName, refused: Refused): ManifestLine {
  return { ...lackLine(path, `api:${call}`, refusalOutcome(refused), refusalText(call, refused)), ...calledAs(refused) };
}

/** For answers that tell of settings: they are no records, and an exhibit that has nothing else has none. What lacks is a gap all the same. */
export function settingsLines(lines: Lines): Lines {
  return {
    add: (line) => lines.add(line.outcome === "collected" || line.outcome === "empty" ? { ...line, source: `derived:settings ${line.source}` } : line),
  };
}
