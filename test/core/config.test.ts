import { describe, expect, test } from "vitest";
import { parseConfig, parseOrigin } from "../../src/core/config.ts";

describe("names that every object inherits are no entries of the configuration", () => {
  const refused: readonly { readonly value: unknown; readonly key: RegExp }[] = [
    { value: { defaultVault: "constructor" }, key: /^defaultVault: there is no vault/ },
    { value: { retention: { bySeverity: { high: "toString" } } }, key: /^retention\.bySeverity\.high: there is no class/ },
    { value: { retention: { bySeverity: { constructor: "x" }, classes: { x: "1d" } } }, key: /^retention\.bySeverity/ },
  ];
  test.for(refused)("$value", ({ value, key }) => {
    expect(() => parseConfig(value)).toThrow(expect.objectContaining({ code: "config", message: expect.stringMatching(key) }));
  });
});

test("a mistyped kind in retention.byKind is refused, since its exhibits would be kept shorter than it says", () => {
  expect(() => parseConfig({ retention: { byKind: { memry: "7y" } } })).toThrow(/retention\.byKind.*did you mean memory/);
  expect(parseConfig({ retention: { byKind: { memory: "7y" } } }).retention.byKind).toEqual({ memory: "7y" });
});
test("how early retention is renewed is 30 days, or the duration that is written", () => {
  expect(parseConfig({}).retention.renewBefore).toBe("30d");
  expect(parseConfig({ retention: { renewBefore: "7d" } }).retention.renewBefore).toBe("7d");
  expect(() => parseConfig({ retention: { renewBefore: "soon" } })).toThrow(/^retention\.renewBefore: "soon" is not a duration/);
});
test("a duration out of range is a configuration error that names its key", () => {
  expect(() => parseConfig({ vaults: { main: { kind: "directory", path: "v", retain: "999999999y" } } })).toThrow(
    expect.objectContaining({ code: "config", message: expect.stringMatching(/^vaults\.main\.retain: /) }),
  );
});
test("an origin that is none blames where it was written", () => {
  expect(() => parseOrigin("http://x y", "origin")).toThrow(expect.objectContaining({ code: "config" }));
  expect(() => parseOrigin("http://x y", "--origin", "usage")).toThrow(expect.objectContaining({ code: "usage" }));
});
test("an actor has an id, perhaps a key and a kind; what is mistyped is named", () => {
  expect(parseConfig({ actor: { id: "jane" } }).actor).toEqual({ id: "jane", kind: "person", key: null });
  expect(parseConfig({ actor: { id: "robot", kind: "machine", key: "./robot.pub" } }).actor).toEqual({ id: "robot", kind: "machine", key: "./robot.pub" });
  for (const [actor, key] of [
    [{ key: "./k.pub" }, /^actor\.id/],
    [{ id: "jane", kind: "human" }, /^actor\.kind/],
    [{ id: "jane", keys: "x" }, /actor.*did you mean key/],
  ] as const)
    expect(() => parseConfig({ actor })).toThrow(expect.objectContaining({ code: "config", message: expect.stringMatching(key) }));
});
