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
  ] as const)("%s is %s", ([text, time]) => expect(parseTime(text, now, "--since").toISOString()).toBe(time));

  test.for(["yesterday", "2026-06-01", "2026-13-01T00:00:00Z", "7", "d7", "-1d", "1.5h", ""])("%j is refused, naming the field", (text) => {
    expect(() => parseTime(text, now, "--since")).toThrow(/--since/);
  });

  test("a year is 365 days", () => expect(parseDuration("1y", "x")).toBe(365 * 86_400_000));
  test("a window needs its beginning before its end", () => expect(() => windowOf(now, now)).toThrow(HoldfastError));
});
