import { printable } from "../../../src/core/printable.ts";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import { calledAs } from "./answer-entry.ts";
import { outcomeOfRefusal, type Refused, wordsOf } from "../client/refused.ts";

/** Why something is not here, as a line of the manifest; outcomes that explain a lack become gaps. */
export function lackLine(path: string, source: string, outcome: ManifestLine["outcome"], reason: string): ManifestLine {
  return { path: printable(path), member: null, type: "unknown", source, size: "0", sha256: null, outcome, reason };
}

export function refusedLine(path: string, refused: Refused): ManifestLine {
  return { ...lackLine(path, `api:${refused.call}`, outcomeOfRefusal(refused.trouble), wordsOf(refused)), ...calledAs(refused) };
}
