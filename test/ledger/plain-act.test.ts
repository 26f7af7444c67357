import fc from "fast-check";
import { expect, test } from "vitest";
import { actNames, type Json } from "../../src/core/act.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import { decodeLeaf, encodeLeaf, envelopeOf, payloadOf } from "../../src/ledger/format/leaf.ts";
import { plainAct } from "../../src/ledger/format/plain-act.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { ORIGIN } from "./support.ts";

const digest = parseSha256("5".repeat(64));
const nonce = Buffer.alloc(16, 7);
/** Each field is right most of the time, or the whole never would be. */
function mostly<T>(right: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 19, arbitrary: right }, { weight: 1, arbitrary: odd });
}
const word = mostly<string>(
  fc.constantFrom("c-1", "jane", "x y"),
  fc.oneof(fc.constantFrom('a"b', "a\\b", "tab\t", "", "é", "e\u0301", "\u007f"), fc.string({ maxLength: 8 })),
);
const wordOrNull = fc.option(word, { freq: 2 });
const detail = fc.dictionary(
  mostly<string>(fc.constantFrom("a", "b", "B", "digests"), fc.constantFrom("__proto__", "é", "1")),
  mostly<Json>(
    fc.constantFrom(null, 1, "x", ["y", "}"], { c: 'said "so"' }),
    fc.jsonValue({ maxDepth: 2 }).map((value): Json => JSON.parse(JSON.stringify(value))),
  ),
  { maxKeys: 3 },
);
const link = fc.record({
  exhibit_prev: fc.constant(digest),
  exhibit_seq: fc.nat(3),
  id: mostly<string>(fc.constantFrom("A-1/001", "A-1/1000"), fc.constantFrom("A-1/0100", "A-1/02")),
});
const predicates: fc.Arbitrary<Predicate> = fc.record({
  act: fc.constantFrom(...actNames),
  actor: fc.record({
    id: word,
    kind: fc.constantFrom("person", "machine"),
    proof: mostly<"oidc" | "asserted" | "signed">(fc.constantFrom("oidc", "asserted"), fc.constant("signed")),
  }),
  authority: wordOrNull,
  case: mostly<string | null>(fc.constantFrom(null, "A-1"), fc.constantFrom("-A", "B.2")),
  clock: fc.record({
    offsetMs: mostly<string | null>(fc.constantFrom(null, "0.5", "-3"), fc.constant(".5")),
    source: word,
    uncertaintyMs: fc.constantFrom(null, "12"),
  }),
  collection: wordOrNull,
  detail,
  digests: mostly<Predicate["digests"]>(fc.constant({}), fc.constant({ "A-1/001": { sha256: digest, bytes: "8" } })),
  exhibits: fc.array(link, { maxLength: 2 }),
  lease: mostly<number | null>(fc.constantFrom(null, 0, 7), fc.constantFrom(-1, 2 ** 53)),
  once: wordOrNull,
  reason: wordOrNull,
  requestIds: fc.array(word, { maxLength: 2 }),
  step: wordOrNull,
  stored: fc.constant(null),
  target: wordOrNull,
  time: mostly<string>(
    fc.constant("2026-01-31T22:00:00.000Z"),
    fc.constantFrom("2026-02-30T22:00:00.000Z", "2026-01-31T24:00:00.000Z", "2026-01-31T22:00:00Z"),
  ),
  tool: fc.record({ name: word, sha256: fc.constant(digest), version: word }),
});

/** Says what `decodeLeaf` says, where it says anything; whether it did. */
function agrees(leaf: Buffer): boolean {
  const found = plainAct(3, leaf, ORIGIN);
  if (found === null) return false;
  const { seq, act, actor, case: caseId, collection, once, lease, exhibits } = decodeLeaf(3, leaf, ORIGIN);
  expect(found).toEqual({ seq, act, actor: { id: actor.id, proof: actor.proof }, case: caseId, collection, once, lease, exhibits });
  return true;
}

test("a leaf that is called plain is the act that decodeLeaf reads, whatever was written", () => {
  let plain = 0;
  fc.assert(
    fc.property(predicates, (predicate) => {
      let leaf: Buffer;
      try {
        leaf = encodeLeaf(ORIGIN, predicate, nonce).bytes;
      } catch {
        return; // refused by the writer
      }
      if (agrees(leaf)) plain += 1;
    }),
    { numRuns: 5_000 },
  );
  expect(plain).toBeGreaterThan(300);
});

test("and so is one whose bytes were changed, in the envelope or inside", () => {
  const base = { authority: null, case: "A-1", collection: "c-1", digests: {}, lease: 7, once: "c-1/1", requestIds: ["r-1"], step: "s", stored: null };
  const predicate: Predicate = {
    ...base,
    act: "note",
    actor: { id: "jane", kind: "person", proof: "asserted" },
    clock: { offsetMs: "0.5", source: "ntp", uncertaintyMs: null },
    detail: { a: 1, b: ["x", { c: null }] },
    exhibits: [{ id: "A-1/001", exhibit_seq: 1, exhibit_prev: digest }],
    reason: 'said "so"\n',
    target: "host:local",
    time: "2026-01-31T22:00:00.000Z",
    tool: { name: "holdfast", version: "1", sha256: digest },
  };
  const payload = payloadOf(ORIGIN, predicate);
  const { bytes } = envelopeOf("note", payload, nonce, []);
  expect(agrees(bytes)).toBe(true);
  const pieces = [
    "",
    '"',
    "\\",
    " ",
    "0",
    "00",
    "-0",
    "1.0",
    "é",
    "\u0000",
    "\\u0041",
    "{}",
    "null",
    ',"x":1',
    '"z":1,',
    "},",
    "=",
    "A",
    "\n",
    '},"digests":{},"exhibits":[]',
  ];
  fc.assert(
    fc.property(fc.boolean(), fc.nat(), fc.nat(3), fc.constantFrom(...pieces), (inside, where, gone, piece) => {
      const from = inside ? payload : bytes;
      const at = where % from.length;
      const changed = Buffer.concat([from.subarray(0, at), Buffer.from(piece), from.subarray(at + gone)]);
      agrees(inside ? envelopeOf("note", changed, nonce, []).bytes : changed);
    }),
    { numRuns: 20_000 },
  );
});
