import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatBody } from "../../src/ledger/format/checkpoint.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { parseVkey } from "../../src/ledger/keys/log-key.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import { inclusionProof, verifyConsistency } from "../../src/ledger/format/merkle-proof.ts";
import { openProver, proofOf } from "../../src/ledger/read/proof-of.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { formatTlogProof, openTlogProof, parseTlogProof, pathLength } from "../../src/ledger/format/tlog-proof.ts";
import { rootOfRow } from "../../src/ledger/format/tlog-tiles.ts";
import vectors from "../vectors/merkle.json" with { type: "json" };
import { notes, open, ORIGIN, tempHome } from "./support.ts";

// Computed with Node and Python before this code was, and confirmed by Go's note, tlog and transparency-dev/merkle.
const VKEY = parseVkey("ledger.example/l/test+af6c4457+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
const CHECKPOINT = `ledger.example/l/test
8
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

— ledger.example/l/test r2xEV4hKayUhDvgt/1o1NrcUa1q6UXuokp9VhWSjDIiX7UznxtKjIHvwLK21R5tpyzvjBygQZYleM3FrWzg5OE1kswU=
— witness.example/w1 jZQlkAAAAABpVbkA3NF6zrCST5N7FAPDl9AFBOKJvUTXWNkZPdbGGowlHsPsXc8p6pJoj8NzQbXmt4bqOR57u6g8caReKGC1yR66Bw==
`;
const PROOF = `c2sp.org/tlog-proof@v1
index 5
vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=
yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=
037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=

${CHECKPOINT}`;
const hashes = vectors.leaves.map((hex) => leafHash(Buffer.from(hex, "hex")));
const leaf5 = hashes[5] ?? Buffer.alloc(0);

describe("the form of a tlog-proof", () => {
  test("is the one of the published vector, both ways", () => {
    const path = inclusionProof((height, index) => rootOfRow(hashes.slice(index * 2 ** height, (index + 1) * 2 ** height)), 5, 8);
    expect(formatTlogProof({ index: 5, hashes: path, checkpoint: CHECKPOINT, extra: null })).toBe(PROOF);
    const parsed = parseTlogProof(Buffer.from(PROOF));
    expect(parsed).toEqual({ index: 5, hashes: path, checkpoint: CHECKPOINT, extra: null });
    expect(openTlogProof(Buffer.from(PROOF), leaf5, ORIGIN, [VKEY])).toMatchObject({ index: 5, size: 8 });
  });

  test("may have an extra line, which is kept", () => {
    const text = PROOF.replace("index", "extra AAEC\nindex");
    expect(formatTlogProof(parseTlogProof(Buffer.from(text)))).toBe(text);
  });

  const edit =
    (from: string | RegExp, to: string) =>
    (text: string): string =>
      text.replace(from, to);
  test.for([
    ["CRLF", edit(/\n/g, "\r\n")],
    ["one CR", edit("index 5\n", "index 5\r\n")],
    ["another header", edit("@v1", "@v2")],
    ["a byte order mark", (t: string) => `\uFEFF${t}`],
    ["an index with a leading zero", edit("index 5", "index 05")],
    ["an index with a sign", edit("index 5", "index +5")],
    ["a negative index", edit("index 5", "index -5")],
    ["two spaces", edit("index 5", "index  5")],
    ["an index past the size", edit("index 5", "index 8")],
    ["an index past 2^53", edit("index 5", "index 9007199254740993")],
    ["no index", edit("index 5\n", "")],
    ["two indices", edit("index 5\n", "index 5\nindex 5\n")],
    ["a hash too few", edit(/vBoG.*\n/, "")],
    ["a hash too many", edit(/(vBoG.*\n)/, "$1$1")],
    ["a short hash", edit("vBoG", "")],
    ["base64 that is not canonical", edit("hZnms=", "hZnmt=")],
    ["base64url", edit("8G4e46", "8G4e4_")],
    ["no blank line", edit("FLc=\n\n", "FLc=\n")],
    ["no checkpoint", (t: string) => t.slice(0, t.indexOf("\n\n") + 2)],
    ["a checkpoint without newline at its end", (t: string) => t.slice(0, -1)],
    ["a size with a leading zero", edit("\n8\n", "\n08\n")],
    ["text after the checkpoint", (t: string) => `${t}more\n`],
    ["an extra line after the index", edit("index 5\n", "index 5\nextra AAEC\n")],
    ["an extra line that is not base64", edit("index", "extra A\nindex")],
  ] as const)("with %s is refused", ([, change]) => {
    expect(change(PROOF)).not.toBe(PROOF);
    expect(() => parseTlogProof(Buffer.from(change(PROOF)))).toThrow(expect.objectContaining({ code: "unverifiable" }));
  });

  test("every single changed bit is refused, for its leaf and its key", () => {
    const bytes = Buffer.from(PROOF);
    // The witness's line is not of a key we know, and may say what it likes.
    const end = bytes.indexOf("— witness");
    for (let bit = 0; bit < end * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openTlogProof(changed, leaf5, ORIGIN, [VKEY]), `bit ${bit}`).toThrow();
    }
  });

  test("another leaf, another index and another key are refused", () => {
    expect(() => openTlogProof(Buffer.from(PROOF), hashes[4] ?? leaf5, ORIGIN, [VKEY])).toThrow(/does not lead/);
    expect(() => openTlogProof(Buffer.from(PROOF.replace("index 5", "index 4")), leaf5, ORIGIN, [VKEY])).toThrow(/does not lead/);
    expect(() => openTlogProof(Buffer.from(PROOF), leaf5, "ledger.example/l/other", [VKEY])).toThrow(/not of/);
  });

  test("path lengths are those of RFC 6962", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.nat(), (size, n) => {
        expect(inclusionProof(() => leaf5, n % size, size)).toHaveLength(pathLength(n % size, size));
      }),
    );
    expect(pathLength(2 ** 53 - 2, 2 ** 53 - 1)).toBeLessThanOrEqual(53);
  });
});

describe("proofs of a ledger", () => {
  test("of every entry open with the log's keys, at sizes around tiles", async () => {
    using home = tempHome();
    const { vkeys } = readVkeys(home.paths.keys);
    let size = 0;
    for (const count of [1, 2, 252, 1, 1, 300, 211]) {
      const recorder = await open(home.paths);
      await recorder.append(notes(count));
      await recorder.close();
      size += count;
      const prover = openProver(home.paths);
      const reader = openReader(home.paths);
      for (let seq = 0; seq < size; seq += size < 10 ? 1 : 17) {
        const { proof, leafHash: hash } = prover.prove(seq);
        expect(hash.toString("hex")).toBe(reader.act(seq).leafHash);
        expect(openTlogProof(Buffer.from(proof), hash, ORIGIN, vkeys)).toMatchObject({ index: seq, size });
      }
      reader.close();
      prover.close();
    }
    expect(() => proofOf(home.paths, size)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("of consistency hold between the heads that were signed", async () => {
    using home = tempHome();
    const heads = [];
    for (const count of [3, 253, 1, 255, 88]) {
      const recorder = await open(home.paths);
      await recorder.append(notes(count));
      await recorder.close();
      heads.push(proofOf(home.paths, 0).checkpoint);
    }
    const prover = openProver(home.paths);
    for (const a of heads)
      for (const b of heads.filter((head) => head.size >= a.size))
        expect(verifyConsistency(a.size, b.size, prover.consistency(a.size, b.size), a.root, b.root), `${formatBody(a)}→${formatBody(b)}`).toBe(true);
    expect(() => prover.consistency(3, 10_000)).toThrow(/not 10000/);
    prover.close();
  });
});
