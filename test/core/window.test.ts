import { describe, expect, test } from "vitest";
import { HoldfastError } from "../../src/core/error.ts";
import { parseDuration, parseTime, windowOf } from "../../src/core/window.ts";

const now = new Date("2026-06-15T12:00:00Z");

describe("times", () => {
  test.for([
    ["36h", "2026-06-14T00:00:00.000Z"],
    ["7d", "2026-06-08T12:00:00.000Z"],
    ["2026-06-01T10:00:00+02:00", "2026-06-01T08:00:00.000Z"],
    ["2026-06-01T10:00:00.123Z", "2026-06-01T10:00:00.123Z"],
    ["2026-06-01t10:00:00.1239z", "2026-06-01T10:00:00.123Z"],
    ["2026-06-01 10:00:00.5-05:30", "2026-06-01T15:30:00.500Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
  ] as const)("%s is %s", ([text, time]) => expect(parseTime(text, now, "--since").toISOString()).toBe(time));

  test.for([
    ...["yesterday", "2026-06-01", "2026-13-01T00:00:00Z", "7", "d7", "-1d", "1.5h", ""],
    ...["2026-02-31T00:00:00Z", "2027-02-29T00:00:00Z", "2026-06-01T24:00:00Z", "2026-06-01T10:00:60Z", "2026-06-01T10:00:00+24:00"],
    ...["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", "999999999y", "1001y", "99999999999999999999d"],
  ])("%j is refused, naming the field", (text) => {
    expect(() => parseTime(text, now, "--since")).toThrow(expect.objectContaining({ code: "usage", message: expect.stringMatching(/^--since: /) }));
  });

  test("a year is 365 days", () => expect(parseDuration("1y", "x")).toBe(365 * 86_400_000));
  test("a thousand years is the longest duration", () => expect(parseDuration("1000y", "x")).toBe(1000 * parseDuration("365d", "x")));
  test("a window needs its beginning before its end", () => expect(() => windowOf(now, now)).toThrow(HoldfastError));
});
