import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable, terminalSafe } from "../../src/core/printable.ts";

describe("printable", () => {
  test.for([
    { name: "plain.log", shown: "plain.log" },
    { name: "Größe 日本.log", shown: "Größe 日本.log" },
    { name: "a\nb", shown: "a\\u{a}b" },
    { name: "\u001b[2J", shown: "\\u{1b}[2J" },
    { name: "\u202egnp.exe", shown: "\\u{202e}gnp.exe" },
    { name: "back\\slash", shown: "back\\\\slash" },
  ])("$shown", ({ name, shown }) => expect(printable(name)).toBe(shown));

  test("bytes that are not UTF-8 are shown one by one", () => {
    expect(printable(Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82))).toBe("a\\xff\\xc3(\\xe2\\x82");
  });

  test("whatever the bytes, nothing that steers a terminal is left, and no two names look the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
        const [x, y] = [printable(a), printable(b)];
        expect(x).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        if (Buffer.compare(a, b) !== 0) expect(x).not.toBe(y);
      }),
    );
  });

  test("what is printable already is safe as it is", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(terminalSafe(printable(bytes))).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});
