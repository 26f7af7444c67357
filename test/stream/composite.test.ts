import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { parseSha256 } from "../../src/core/digest.ts";
import { compositeSha256, StoredDigester, storedChecksum } from "../../src/stream/composite.ts";
import { noise, piecesOf, sha256 } from "./sources.ts";

const digestOf = (bytes: Uint8Array) => parseSha256(sha256(bytes));

test("the composite is SHA-256 over the binary part digests, in base64", () => {
  const parts = [noise(10), noise(20), noise(5)].map(digestOf);
  const outside = createHash("sha256")
    .update(Buffer.from(parts.join(""), "hex"))
    .digest("base64");
  expect(compositeSha256(parts)).toBe(outside);
  expect(storedChecksum("composite", parts, 10)).toEqual({ algorithm: "sha256", type: "composite", value: outside, partSize: "10" });
});

test("a full checksum is the object's own digest, and of one part only", () => {
  const only = digestOf(Buffer.from("abc"));
  expect(storedChecksum("full", [only], 8).value).toBe("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  expect(() => storedChecksum("full", [only, only], 8)).toThrow(/one part/);
});

test.for([0, 1, 99, 100, 101, 200, 1234])("stored bytes of length %i are cut where the parts were, however they arrive", (length) => {
  const bytes = noise(length);
  const parts = length === 0 ? [digestOf(bytes)] : [...piecesOf(bytes, 100)].map(digestOf);
  for (const piece of [1, 7, 100, 150, 5000]) {
    const digester = new StoredDigester(100);
    for (const some of piecesOf(bytes, piece)) digester.update(some);
    expect(digester.finish()).toEqual(parts);
  }
});
