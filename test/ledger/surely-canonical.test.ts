import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toJcs } from "../../src/ledger/format/jcs.ts";
import { surelyCanonical } from "../../src/ledger/format/surely-canonical.ts";

/** What our printer makes of it, or null where it refuses. */
function printed(value: unknown): string | null {
  try {
    return toJcs(value, "a value");
  } catch {
    return null;
  }
}

describe("a text that is called canonical without being printed", () => {
  test("is the one that our printer and the canonicalize package print", () => {
    const spellings = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.jsonValue({ maxDepth: 4 }).map((value) => canonicalize(value) ?? "null"),
      fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).map((value) => JSON.stringify(value)),
      fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.maxSafeInteger(), fc.string(), fc.double())).map((value) => JSON.stringify(value)),
    );
    let called = 0;
    fc.assert(
      fc.property(spellings, (text) => {
        const value: unknown = JSON.parse(text);
        if (!surelyCanonical(value, text)) return;
        called += 1;
        expect(printed(value)).toBe(text);
        expect(canonicalize(value)).toBe(text);
      }),
      { numRuns: 3_000 },
    );
    expect(called).toBeGreaterThan(300);
  });

  test.for([
    '{"a": 1}',
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"10":1,"9":2}',
    '{"9":2,"10":1}',
    '{"__proto__":1}',
    '"\\ud800"',
    '"\\u00e9"',
    '"e\u0301"',
    "1e21",
    "1.5",
    "-0",
    "9007199254740993",
    '"\\/"',
    "[".repeat(40).concat("]".repeat(40)),
  ])("is never %s", (text) => {
    expect(surelyCanonical(JSON.parse(text), text)).toBe(false);
  });

  test.for(["{}", "[]", '{"a":{"b":[1,null,true,"x\\n\\u0001\\\\"]},"c":-5}'])("is %s", (text) => {
    expect(surelyCanonical(JSON.parse(text), text)).toBe(true);
  });
});
