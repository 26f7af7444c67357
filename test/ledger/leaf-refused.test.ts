import { describe, expect, test } from "vitest";
import { decodeLeaf, encodeLeaf } from "../../src/ledger/format/leaf.ts";
import { actor, ORIGIN } from "./support.ts";
import { collected, digest, nonce, rewritten, utf8 } from "./leaf-makings.ts";

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
