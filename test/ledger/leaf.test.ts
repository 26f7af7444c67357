import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { describe, expect, test } from "vitest";
import { toJcs } from "../../src/ledger/format/jcs.ts";
import { decodeLeaf, encodeLeaf, pae } from "../../src/ledger/format/leaf.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import vectors from "../vectors/checkpoint.json" with { type: "json" };
import { ORIGIN } from "./support.ts";
import { base, collected, digest, nonce, open, utf8 } from "./leaf-makings.ts";

describe("a leaf", () => {
  test("is canonical JSON at both layers, by another library's judgement", () => {
    const { bytes, hash: found } = encodeLeaf(ORIGIN, collected, nonce);
    const { envelope } = open(bytes);
    expect(canonicalize(JSON.parse(bytes.toString("utf8")))).toBe(bytes.toString("utf8"));
    const payload = Buffer.from(envelope.payload, "base64").toString("utf8");
    expect(canonicalize(JSON.parse(payload))).toBe(payload);
    expect(found).toEqual(hash("sha256", Buffer.concat([Buffer.of(0), bytes]), "buffer"));
  });

  test("is an in-toto statement about the exhibits that have a digest", () => {
    const { statement, envelope } = open(encodeLeaf(ORIGIN, collected, nonce).bytes);
    expect(statement.subject).toEqual([{ name: "A-1/001", digest: { sha256: digest } }]);
    expect(statement.predicateType).toBe("urn:holdfast:act:v1");
    expect(envelope).toMatchObject({ payloadType: "application/vnd.in-toto+json", signatures: [], v: "holdfast.custody/v1", nonce: nonce.toString("base64") });
  });

  test.for([
    ["A-1", "A-1"],
    [null, ORIGIN],
  ] as const)("of an act without evidence in case %s is about the name %s, and says that the digest is of the name", ([caseId, name]) => {
    const { statement } = open(encodeLeaf(ORIGIN, { ...base, case: caseId }, nonce).bytes);
    expect(statement.subject).toEqual([{ name, digest: { sha256: hash("sha256", name) }, annotations: { digestOf: "name" } }]);
  });

  test("read back gives the act that was written", () => {
    const { bytes, hash: found } = encodeLeaf(ORIGIN, collected, nonce);
    const act = decodeLeaf(4, bytes, ORIGIN);
    expect(act).toEqual({
      ...collected,
      seq: 4,
      leafHash: found.toString("hex"),
      exhibits: [
        { id: "A-1/001", seq: 1, prev: digest },
        { id: "A-1/002", seq: 0, prev: "0".repeat(64) },
      ],
    });
    expect(act.leafHash).toBe(leafHash(bytes).toString("hex"));
  });

  test("differs for the same act with another nonce", () => {
    expect(encodeLeaf(ORIGIN, base, nonce).hash).not.toEqual(encodeLeaf(ORIGIN, base, Buffer.alloc(16, 8)).hash);
  });

  test("holds NFC whatever form was given", () => {
    const act = decodeLeaf(0, encodeLeaf(ORIGIN, { ...base, reason: "Zu\u0308rich", detail: { "cafe\u0301": "\u212b" } }, nonce).bytes, ORIGIN);
    expect(act.reason).toBe("Z\u00fcrich");
    expect(act.detail).toEqual({ "caf\u00e9": "\u00c5" });
  });

  test.for([
    ["a float", { n: 1.5 }],
    ["an integer past 2^53", { n: 2 ** 53 }],
    ["minus zero", { n: -0 }],
    ["NaN", { n: Number.NaN }],
    ["a lone surrogate", { s: "\ud800" }],
    ["a lone surrogate in a name", { "\udc00": 1 }],
    ["two names that are one after normalisation", { "\u00e9": 1, "e\u0301": 2 }],
  ] as const)("cannot hold %s", ([, detail]) => {
    expect(() => encodeLeaf(ORIGIN, { ...base, detail }, nonce)).toThrow(/detail/);
  });

  test("cannot hold undefined, a Date, a function, or endless nesting", () => {
    const deep: unknown = Array.from({ length: 40 }).reduce((inner) => [inner], null);
    for (const value of [undefined, new Date(0), () => 1, 1n, deep, JSON.parse('{"__proto__":1}')]) expect(() => toJcs({ a: value }, "x")).toThrow(/x/);
  });

  test("holds at most 65535 bytes, and one byte more is refused", () => {
    const size = (n: number): number => encodeLeaf(ORIGIN, { ...base, reason: "x".repeat(n) }, nonce).bytes.length;
    let n = 40_000;
    const grown = (): boolean => {
      try {
        return size(n + 1) <= 65_535;
      } catch {
        return false;
      }
    };
    while (size(n) < 65_500) n += 20;
    while (grown()) n += 1;
    expect(size(n)).toBeGreaterThan(65_530);
    expect(() => size(n + 3)).toThrow(/65535/);
  });
});

test("the DSSE encoding is that of its protocol text", () => {
  expect(pae(vectors.pae.type, utf8(vectors.pae.payload)).toString("utf8")).toBe(vectors.pae.text);
  expect(pae("t", utf8("\u00e9")).toString("utf8")).toBe("DSSEv1 1 t 2 \u00e9");
});
