import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toJcs } from "../../src/ledger/format/jcs.ts";
import { payloadOf, statementOf } from "../../src/ledger/format/leaf.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { actor, ORIGIN } from "./support.ts";
import { base, collected } from "./leaf-makings.ts";

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
