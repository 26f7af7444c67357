import { describe, expect, test } from "vitest";
import { retainUntil, wholeSecond } from "../../src/core/retention.ts";

const now = new Date("2026-01-01T00:00:00.500Z");
const config = { classes: { standard: "90d", litigation: "7y" }, byKind: { memory: "120d" }, bySeverity: { high: "litigation" }, renewBefore: "30d" };
const plain = { vault: "30d", class: null, kinds: [], severity: "low", flag: null } as const;
const days = (text: string): number => (Date.parse(text) - Date.parse("2026-01-01T00:00:00Z")) / 86_400_000;

describe("retention: the longest wins, and a flag can only lengthen", () => {
  test.for([
    { name: "the vault's own", asked: plain, days: 30 },
    { name: "the case's class", asked: { ...plain, class: "standard" }, days: 90 },
    { name: "the kind's", asked: { ...plain, class: "standard", kinds: ["memory"] as const }, days: 120 },
    { name: "the severity's", asked: { ...plain, severity: "high" as const, kinds: ["memory"] as const }, days: 7 * 365 },
    { name: "a shorter flag changes nothing", asked: { ...plain, class: "standard", flag: "1d" }, days: 90 },
    { name: "a longer flag does", asked: { ...plain, flag: "400d" }, days: 400 },
  ])("$name", ({ asked, days: expected }) => expect(Math.round(days(retainUntil(config, asked, now)))).toBe(expected));

  test("a class that the configuration lost is an error, not a shorter lock", () => {
    expect(() => retainUntil(config, { ...plain, class: "gone" }, now)).toThrow(/gone/);
  });
  test("a name that every object inherits is no class", () => {
    expect(() => retainUntil(config, { ...plain, class: "constructor" }, now)).toThrow(/constructor/);
  });
  test("a lock that would end after the year 9999 is a usage error, not an invalid date", () => {
    for (const time of [new Date("+010000-01-01T00:00:00Z"), new Date(Number.NaN)])
      expect(() => wholeSecond(time)).toThrow(expect.objectContaining({ code: "usage" }));
  });
  test("whole seconds, rounded up: stores cut fractions, and a lock must not come back shorter", () => {
    expect(wholeSecond(new Date("2026-01-01T00:00:00.001Z"))).toBe("2026-01-01T00:00:01Z");
  });
});
