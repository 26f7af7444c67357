import type { Coverage, Gap, Outcome } from "../core/outcome.ts";
import type { SourceReport } from "../core/source.ts";
import type { Window } from "../core/window.ts";
import type { FileOutcome, ManifestLine } from "./archive-manifest.ts";

/** Ledger entries name gaps one by one up to here; beyond it the number is said and the manifest has them all. */
const gapsNamed = 1000;

/** Counts what became of the inner files and says in the end, without flattery, what the exhibit is. */
export type Tally = {
  add(line: ManifestLine, evidence: boolean): void;
  report(asked: Window | null, got: Window | null, nothing: { readonly outcome: Outcome; readonly detail: string }): SourceReport;
};

export function tally(): Tally {
  const gaps = new Map<string, { readonly gap: Gap; readonly names: string[] }>();
  /** Of millions of gaps those beyond the named ones are counted only; what is switched off is said in words, and is never that much. */
  let unnamed: { count: number; readonly outcome: Gap["outcome"] } | null = null;
  const counts = new Map<FileOutcome, number>();
  let bytes = 0n;
  let changed = 0;

  return {
    add(line, evidence) {
      if (!evidence) return;
      counts.set(line.outcome, (counts.get(line.outcome) ?? 0) + 1);
      if (line.outcome !== "empty") bytes += BigInt(line.size); // an answer that nothing is there has bytes, too
      if (line.outcome === "collected" && line.type === "file" && line.reason !== null) changed += 1;
      if (!isGap(line.outcome)) return;
      const { directory, name } = groupOf(line.path);
      const key = JSON.stringify([directory, line.outcome, line.reason]);
      const known = gaps.get(key);
      if (known !== undefined) known.names.push(name);
      else if (gaps.size >= gapsNamed && line.outcome !== "source-disabled") {
        unnamed ??= { count: 0, outcome: line.outcome };
        unnamed.count += 1;
      } else gaps.set(key, { gap: { what: directory, outcome: line.outcome, reason: line.reason ?? line.outcome }, names: [name] });
    },

    report(asked, got, nothing) {
      const count = (outcome: FileOutcome): number => counts.get(outcome) ?? 0;
      const missing = ["denied", "unavailable", "truncated", "failed"] as const;
      const off = [...gaps.values()].filter(({ gap }) => gap.outcome === "source-disabled");
      const taken = count("collected") + count("empty");
      const lacking = missing.reduce((sum, outcome) => sum + count(outcome), off.length);
      const total = taken + lacking - off.length;
      const parts = missing.filter((outcome) => count(outcome) > 0).map((outcome) => `${count(outcome)} of ${total} files ${outcome}`);
      parts.push(...off.map(({ gap }) => gap.reason));
      if (count("vanished") > 0) parts.push(`${count("vanished")} files of processes that ended meanwhile`);
      if (count("outside-window") > 0) parts.push(`${count("outside-window")} files last written before the window left out`);
      if (changed > 0) parts.push(`${changed} files changed while being read`);
      const coverage: Coverage = { asked, got, gaps: named(gaps, unnamed) };
      const outcome = outcomeOf(taken + count("truncated"), lacking, count, bytes);
      if (outcome === null && count("outside-window") > 0)
        return { outcome: "empty", detail: ["nothing was written to any of them within the window", ...parts].join("; "), coverage, files: 0, bad: [] };
      if (outcome === null) return { outcome: nothing.outcome, detail: [nothing.detail, ...parts].join("; "), coverage, files: 0, bad: [] };
      return { outcome, detail: parts.length === 0 ? null : parts.join("; "), coverage, files: taken + count("truncated"), bad: [] };
    },
  };
}

function outcomeOf(taken: number, lacking: number, count: (outcome: FileOutcome) => number, bytes: bigint): Outcome | null {
  if (taken === 0 && lacking === 0) return null;
  if (lacking === 0) return bytes > 0n ? "collected" : "empty";
  // What is switched off was not cut off: the rest may be whole.
  if (count("source-disabled") === lacking) return "source-disabled";
  if (taken > 0) return "truncated";
  if (count("denied") === lacking) return "denied";
  return count("failed") > 0 ? "failed" : "unavailable";
}

function isGap(outcome: FileOutcome): outcome is Gap["outcome"] {
  return outcome === "denied" || outcome === "unavailable" || outcome === "truncated" || outcome === "failed" || outcome === "source-disabled";
}

/** Files of one process that are refused for one reason are one gap: an ordinary user would else have ten for each process. */
function groupOf(path: string): { readonly directory: string; readonly name: string } {
  const match = /^(\/proc\/\d+)\/(.+)$/.exec(path);
  return match?.[1] === undefined || match[2] === undefined ? { directory: path, name: "" } : { directory: match[1], name: match[2] };
}

function named(
  gaps: ReadonlyMap<string, { readonly gap: Gap; readonly names: readonly string[] }>,
  unnamed: { readonly count: number; readonly outcome: Gap["outcome"] } | null,
): readonly Gap[] {
  const all = [...gaps.values()].map(({ gap, names }) => (names[0] === "" ? gap : { ...gap, what: `${gap.what}: ${names.join(", ")}` }));
  const rest = all.length - gapsNamed + (unnamed?.count ?? 0);
  if (rest <= 0) return all;
  const last: Gap = { what: `${rest} more`, outcome: unnamed?.outcome ?? all[gapsNamed]?.outcome ?? "unavailable", reason: "each is named in manifest.jsonl" };
  return [...all.slice(0, gapsNamed), last];
}
