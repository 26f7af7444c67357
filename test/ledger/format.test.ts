import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";
import { describe, expect, test } from "vitest";
import { actNames } from "../../src/core/act.ts";
import { openCheckpoint } from "../../src/ledger/format/checkpoint.ts";
import { decodeLeaf } from "../../src/ledger/format/leaf.ts";
import { parseVkey } from "../../src/ledger/keys/log-key.ts";
import example from "../vectors/format-example.json" with { type: "json" };

// A verifier written from FORMAT.md with node:crypto and nothing of src/ledger.
const page = readFileSync(new URL("../../src/ledger/FORMAT.md", import.meta.url), "utf8");
const sha = (...parts: (string | Uint8Array)[]): Buffer => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const [l0, l1, l2] = example.leaves.map((leaf) => sha(Buffer.of(0), leaf));

function root(): Buffer {
  if (l0 === undefined || l1 === undefined || l2 === undefined) throw new Error("three leaves");
  return sha(Buffer.of(1), sha(Buffer.of(1), l0, l1), l2);
}

function statement(i: number): {
  subject: { name: string; digest: { sha256: string }; annotations?: { digestOf: string } }[];
  predicate: { exhibits: { exhibit_prev: string }[] };
} {
  const envelope: { payload: string } = JSON.parse(example.leaves[i] ?? "");
  const text = Buffer.from(envelope.payload, "base64").toString("utf8");
  expect(canonicalize(JSON.parse(text))).toBe(text);
  return JSON.parse(text);
}

describe("the worked example of FORMAT.md", () => {
  test("prints the leaf, the payload, the hashes, the root and the head that the vectors have", () => {
    const envelope: { payload: string } = JSON.parse(example.leaves[2] ?? "");
    for (const text of [
      example.leaves[2] ?? "?",
      Buffer.from(envelope.payload, "base64").toString("utf8"),
      ...example.leafHashes,
      `root ${example.root}`,
      example.vkeys[0] ?? "?",
      ...example.note.split("\n").slice(0, 5),
    ])
      expect(page).toContain(text);
  });

  test("has canonical leaves, the hashes and the root that RFC 6962 gives", () => {
    for (const leaf of example.leaves) expect(canonicalize(JSON.parse(leaf))).toBe(leaf);
    expect([l0, l1, l2].map((h) => h?.toString("hex"))).toEqual(example.leafHashes);
    expect(root().toString("hex")).toBe(example.root);
  });

  test("chains its exhibit, and names subjects as the page says", () => {
    expect(statement(2).predicate.exhibits[0]?.exhibit_prev).toBe(example.leafHashes[1]);
    expect(statement(2).subject[0]?.name).toBe("DEMO-1/001");
    expect(statement(0).subject).toEqual([{ name: "DEMO-1", digest: { sha256: sha("DEMO-1").toString("hex") }, annotations: { digestOf: "name" } }]);
  });

  test("has a head that both keys signed, over the bytes that the page says", () => {
    const [text = "", lines = ""] = example.note.split("\n\n");
    const signed = `${text}\n`;
    expect(signed).toBe(`${example.origin}\n3\n${root().toString("base64")}\n`);
    const prefixes = ["302a300506032b6570032100", "30820532300b06096086480165030403110382052100"];
    for (const [i, line] of lines.trimEnd().split("\n").entries()) {
      const field = Buffer.from(line.split(" ")[2] ?? "", "base64");
      const typed = Buffer.from(example.vkeys[i]?.split("+").slice(2).join("+") ?? "", "base64");
      expect(field.subarray(0, 4)).toEqual(sha(example.origin, "\n", typed).subarray(0, 4));
      const key = createPublicKey({ key: Buffer.concat([Buffer.from(prefixes[i] ?? "", "hex"), typed.subarray(1)]), format: "der", type: "spki" });
      const name = Buffer.concat([Buffer.of(example.origin.length), Buffer.from(example.origin)]);
      const size = Buffer.alloc(16);
      size.writeBigUInt64BE(3n, 8);
      const message = i === 0 ? Buffer.from(signed) : Buffer.concat([Buffer.from("subtree/v1\n\0"), name, field.subarray(4, 12), name, size, root()]);
      expect(verify(null, message, key, field.subarray(i === 0 ? 4 : 12))).toBe(true);
    }
  });

  test("is what our own reader says it is", () => {
    expect(openCheckpoint(Buffer.from(example.note), example.origin, example.vkeys.map(parseVkey)).size).toBe(3);
    expect(example.leaves.map((leaf, i) => decodeLeaf(i, Buffer.from(leaf), example.origin).act)).toEqual(["case-opened", "started", "collected"]);
  });
});

test("FORMAT.md names every act", () => {
  for (const act of actNames) expect(page).toContain(`\`${act}\``);
});
