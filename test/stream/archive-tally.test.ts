import { expect, test } from "vitest";
import { tally } from "../../src/stream/archive-tally.ts";
import type { ManifestLine } from "../../src/stream/archive-manifest.ts";

const nothing = { outcome: "empty", detail: "nothing" } as const;

function line(path: string, outcome: ManifestLine["outcome"], size = "0"): ManifestLine {
  return { path, member: null, type: "object", source: "api", size, sha256: null, outcome, reason: `${outcome}, for a reason` };
}

test("of a hundred thousand gaps a thousand are named, the rest counted, and what is switched off is said all the same", () => {
  const counts = tally();
  counts.add(line("taken", "collected", "5"), true);
  for (let i = 0; i < 100_000; i += 1) counts.add(line(`object ${i}`, "denied"), true);
  counts.add(line("trail", "source-disabled"), true);
  const { outcome, detail, coverage } = counts.report(null, null, nothing);
  expect(outcome).toBe("truncated");
  expect(detail).toBe("100000 of 100001 files denied; source-disabled, for a reason");
  expect(coverage?.gaps.length).toBe(1001);
  expect(coverage?.gaps.at(-1)).toEqual({ what: "99001 more", outcome: "denied", reason: "each is named in manifest.jsonl" });
});

test("an answer that holds nothing has bytes and is empty", () => {
  const counts = tally();
  counts.add(line("page 1", "empty", "31"), true);
  expect(counts.report(null, null, nothing).outcome).toBe("empty");
});
