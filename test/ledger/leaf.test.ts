import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSha256 } from "../../src/core/digest.ts";
import { toJcs } from "../../src/ledger/format/jcs.ts";
import { decodeLeaf, encodeLeaf, pae, payloadOf, statementOf } from "../../src/ledger/format/leaf.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import vectors from "../vectors/checkpoint.json" with { type: "json" };
import { actor, ORIGIN } from "./support.ts";

const digest = parseSha256(hash("sha256", "evidence"));
const base: Predicate = {
  act: "note",
  actor,
  authority: null,
  case: "A-1",
  clock: { offsetMs: "0.5", source: "ntp.example", uncertaintyMs: null },
  collection: null,
  detail: {},
  digests: {},
  exhibits: [],
  lease: null,
  once: null,
  reason: "because",
  requestIds: [],
  step: null,
  stored: null,
  target: null,
  time: "2026-01-31T22:00:00.000Z",
  tool: { name: "holdfast", version: "1.0.0", sha256: digest },
};
const collected: Predicate = {
  ...base,
  act: "collected",
  exhibits: [
    { id: "A-1/001", exhibit_seq: 1, exhibit_prev: digest },
    { id: "A-1/002", exhibit_seq: 0, exhibit_prev: parseSha256("0".repeat(64)) },
  ],
  digests: { "A-1/001": { sha256: digest, bytes: "8" } },
};
const nonce = Buffer.alloc(16, 7);
const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");

type Envelope = { nonce: string; payload: string; payloadType: string; signatures: unknown[]; v: string };
function open(leaf: Buffer): { envelope: Envelope; statement: { subject: unknown[]; predicateType: string; predicate: Record<string, unknown> } } {
  const envelope: Envelope = JSON.parse(leaf.toString("utf8"));
  return { envelope, statement: JSON.parse(Buffer.from(envelope.payload, "base64").toString("utf8")) };
}

/** Writes a leaf from changed parts as an independent writer would: canonicalize at both layers. */
function rewritten(change: (statement: Record<string, unknown>, envelope: Record<string, unknown>) => void): Buffer {
  const { envelope, statement } = open(encodeLeaf(ORIGIN, collected, nonce).bytes);
  const env: Record<string, unknown> = { ...envelope };
  change(statement, env);
  if (env["payload"] === envelope.payload) env["payload"] = utf8(canonicalize(statement) ?? "").toString("base64");
  return utf8(canonicalize(env) ?? "");
}

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

describe("a leaf is refused", () => {
  const good = encodeLeaf(ORIGIN, collected, nonce).bytes.toString("utf8");
  test.for([
    ["with a space that JSON allows", utf8(good.replace(",", ", "))],
    ["with a duplicate key", utf8(good.replace("{", '{"nonce":"",'))],
    ["that is not UTF-8", Buffer.concat([Buffer.of(0xff), utf8(good)])],
    ["with a byte order mark", utf8(`\ufeff${good}`)],
    ["that is no JSON", utf8("no")],
    [
      "of another version",
      rewritten((_, e) => {
        e["v"] = "holdfast.custody/v2";
      }),
    ],
    [
      "of another payload type",
      rewritten((_, e) => {
        e["payloadType"] = "text/plain";
      }),
    ],
    [
      "with an unknown member in the envelope",
      rewritten((_, e) => {
        e["x"] = 1;
      }),
    ],
    [
      "with a short nonce",
      rewritten((_, e) => {
        e["nonce"] = "AAAA";
      }),
    ],
    [
      "with a payload that is not canonical base64",
      rewritten((_, e) => {
        e["payload"] = `${String(e["payload"])}=`;
      }),
    ],
    [
      "with a malformed signature",
      rewritten((_, e) => {
        e["signatures"] = [{ keyid: "k" }];
      }),
    ],
    [
      "with another predicate type",
      rewritten((s) => {
        s["predicateType"] = "urn:other";
      }),
    ],
    [
      "with a subject that its predicate does not give",
      rewritten((s) => {
        s["subject"] = [{ name: "A-1/001", digest: { sha256: "0".repeat(64) } }];
      }),
    ],
    [
      "with an unknown act",
      rewritten((s) => {
        s["predicate"] = { ...collected, act: "invented" };
      }),
    ],
    [
      "with a missing member",
      rewritten((s) => {
        const { lease: _, ...rest } = collected;
        s["predicate"] = rest;
      }),
    ],
    [
      "with an extra member",
      rewritten((s) => {
        s["predicate"] = { ...collected, extra: 1 };
      }),
    ],
    [
      "that claims a signature of its actor and has none",
      rewritten((s) => {
        s["predicate"] = { ...collected, actor: { ...actor, proof: "signed" } };
      }),
    ],
    [
      "with a time in another zone",
      rewritten((s) => {
        s["predicate"] = { ...collected, time: "2026-01-31T22:00:00.000+01:00" };
      }),
    ],
    [
      "with a digest of an exhibit that it is not about",
      rewritten((s) => {
        s["predicate"] = { ...collected, digests: { "A-1/009": { sha256: digest, bytes: "1" } } };
      }),
    ],
    [
      "with a string that is not NFC",
      rewritten((s) => {
        s["predicate"] = { ...collected, reason: "u\u0308" };
      }),
    ],
  ] as const)("%s", ([, leaf]) => {
    expect(() => decodeLeaf(3, leaf, ORIGIN)).toThrow(/entry 3 .* not an act/);
  });

  test("but not when nothing was changed", () => {
    expect(rewritten(() => undefined)).toEqual(utf8(good));
    expect(
      decodeLeaf(
        3,
        rewritten((s, e) => {
          s["predicate"] = { ...collected, actor: { ...collected.actor, proof: "signed" } };
          e["signatures"] = [{ keyid: "k", sig: "AAAA" }];
        }),
        ORIGIN,
      ).act,
    ).toBe("collected");
  });
});

describe("canonical form", () => {
  const key = fc.oneof(
    fc.string(),
    fc.string({ unit: "grapheme" }),
    fc.nat().map(String),
    fc.constantFrom("a", "10", "9", "\u20ac", "\ufb33", "\u{1f600}", "1a"),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.string({ unit: "grapheme" }),
      fc.array(tie("value")),
      fc.dictionary(key, tie("value")),
    ),
  }));
  test("is what canonicalize gives, for every value that is in NFC and allowed", () => {
    fc.assert(
      fc.property(value, (v) => {
        const text = JSON.stringify(v);
        fc.pre(text.normalize("NFC") === text && text.isWellFormed() && !text.includes("__proto__") && !Object.is(v, -0));
        expect(toJcs(v, "v")).toBe(canonicalize(v));
        expect(toJcs(JSON.parse(toJcs(v, "v")), "v")).toBe(toJcs(v, "v"));
      }),
      { numRuns: 300 },
    );
  });

  test("is that of the statement too, whichever way it was written", () => {
    const any = fc.oneof(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: fc.constantFrom("a", '"', "\\", "\u007f", "\u0000", "é", "𝄞", " ") }));
    const maybe = fc.option(any);
    const parts = fc.record({ authority: maybe, collection: maybe, once: maybe, reason: maybe, step: maybe, target: maybe, requestIds: fc.array(any) });
    const texts = fc.record({
      parts,
      id: any,
      source: any,
      name: any,
      version: any,
      detail: fc.dictionary(key, value),
      digests: fc.boolean(),
      inCase: fc.boolean(),
    });
    fc.assert(
      fc.property(texts, (t) => {
        const predicate: Predicate = {
          ...(t.digests ? collected : base),
          ...t.parts,
          case: t.digests || t.inCase ? "A-1" : null,
          actor: { ...actor, id: t.id },
          clock: { ...base.clock, source: t.source },
          tool: { ...base.tool, name: t.name, version: t.version },
          detail: JSON.parse(JSON.stringify(t.detail)),
        };
        const text = JSON.stringify(predicate);
        fc.pre(text.normalize("NFC") === text && !text.includes("__proto__") && !text.includes("\\ud"));
        const payload = payloadOf(ORIGIN, predicate).toString("utf8");
        expect(payload).toBe(canonicalize(statementOf(ORIGIN, predicate)));
      }),
      { numRuns: 500 },
    );
  });

  test("sorts names as RFC 8785 §3.2.3 does, index-like names too", () => {
    const sample = { "\u20ac": 1, "\r": 2, "\uff21": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7, "10": 8, "9": 9 };
    expect(Object.values(JSON.parse(toJcs(sample, "v").replace(/"([^"]*)":/g, '"k$1":')))).toEqual([2, 4, 8, 9, 6, 7, 1, 5, 3]);
  });
});

test("the DSSE encoding is that of its protocol text", () => {
  expect(pae(vectors.pae.type, utf8(vectors.pae.payload)).toString("utf8")).toBe(vectors.pae.text);
  expect(pae("t", utf8("\u00e9")).toString("utf8")).toBe("DSSEv1 1 t 2 \u00e9");
});
