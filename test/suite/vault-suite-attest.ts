import { beforeAll, describe, expect, test } from "vitest";
import type { Stored } from "../../src/core/vault.ts";
import { bytesOf, partsOf } from "./parts-of.ts";
import { inSeconds, never, newKey, readAll, receiptOf, requestOf, type VaultBench, type VaultTraits } from "./vault-bench.ts";

export function attestClaims(bench: () => VaultBench, traits: VaultTraits): void {
  const { partSize } = traits;
  const bytes = bytesOf(2 * partSize + 100, "attested");

  describe("attest", () => {
    let stored: Stored;
    beforeAll(async () => {
      stored = await bench().vault.put(requestOf(traits, bytes), never);
    });

    test.for([0, 50, 2 * partSize + 100])("an object of %i bytes shows what was asked, and what its lock is worth", async (length) => {
      const object = await bench().vault.put(requestOf(traits, bytesOf(length, "shown")), never);
      const receipt = await receiptOf(bench().vault, object);
      expect(receipt).toMatchObject({
        uri: object.uri,
        version: object.version,
        bytes: String(length),
        encoding: "identity",
        checksum: object.checksum,
        lock: traits.lock,
        mode: traits.mode,
        legalHold: false,
        sealed: traits.seals,
        problems: [],
      });
      expect(Date.parse(receipt.retainUntil ?? "")).toBe(Date.parse(object.asked.retainUntil));
      expect(receipt.text.length).toBeGreaterThan(20);
    });

    test("the key is located where it was put", () => {
      expect(bench().vault.locate(stored.key)).toBe(stored.uri);
    });

    test("a hold that was asked is shown", async () => {
      const object = await bench().vault.put(requestOf(traits, bytesOf(9, "held"), { legalHold: true }), never);
      expect(await receiptOf(bench().vault, object)).toMatchObject({ legalHold: true, sealed: traits.seals, problems: [] });
    });

    const lies: readonly [string, string, (stored: Stored) => Stored][] = [
      ["another size", "size", (s) => ({ ...s, bytes: s.bytes + 1 })],
      ["another checksum", "checksum", (s) => ({ ...s, checksum: { ...s.checksum, value: Buffer.alloc(32).toString("base64") } })],
      ["a whole checksum for a composite one", "checksum", (s) => ({ ...s, checksum: { ...s.checksum, type: "full" } })],
      [
        "a date that is one second later",
        "ret",
        (s) => ({ ...s, asked: { ...s.asked, retainUntil: new Date(Date.parse(s.asked.retainUntil) + 1000).toISOString() } }),
      ],
      ["a hold", "hold", (s) => ({ ...s, asked: { ...s.asked, legalHold: true } })],
    ];
    test.for(lies)("where %s had been asked, the difference is named and nothing is sealed", async ([, named, change]) => {
      const receipt = await receiptOf(bench().vault, change(stored));
      expect(receipt.sealed).toBe(false);
      expect(receipt.problems).toEqual(expect.arrayContaining([expect.stringMatching(new RegExp(`^${named}`))]));
    });

    test("an object that is not there is missing", async () => {
      expect((await bench().vault.attest({ ...stored, key: newKey() }, "identity", never)).kind).toBe("missing");
    });

    test("an attest that is aborted says nothing", async () => {
      await expect((async () => bench().vault.attest(stored, "identity", AbortSignal.abort(new Error("stopped"))))()).rejects.toThrow("stopped");
    });
  });

  describe("retention and holds", () => {
    test("a later date is taken and read back", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "later")), never);
      const later = inSeconds(7200);
      await bench().vault.extend(stored, later, never);
      const receipt = await receiptOf(bench().vault, { ...stored, asked: { ...stored.asked, retainUntil: later } });
      expect(receipt).toMatchObject({ sealed: traits.seals, problems: [] });
      expect(Date.parse(receipt.retainUntil ?? "")).toBe(Date.parse(later));
    });

    test("an earlier date is refused and changes nothing", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "earlier")), never);
      await expect(bench().vault.extend(stored, inSeconds(1800), never)).rejects.toMatchObject({ code: "refused" });
      expect(Date.parse((await receiptOf(bench().vault, stored)).retainUntil ?? "")).toBe(Date.parse(stored.asked.retainUntil));
    });

    test("the same date again is no error", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "same")), never);
      await bench().vault.extend(stored, stored.asked.retainUntil, never);
      expect((await receiptOf(bench().vault, stored)).problems).toEqual([]);
    });

    test("a put that is repeated leaves a longer retention as it is", async () => {
      const bytes = bytesOf(9, "repeated");
      const request = requestOf(traits, bytes);
      const stored = await bench().vault.put(request, never);
      const later = inSeconds(7200);
      await bench().vault.extend(stored, later, never);
      await bench().vault.put({ ...request, stream: partsOf(bytes, partSize) }, never);
      expect(Date.parse((await receiptOf(bench().vault, stored)).retainUntil ?? "")).toBe(Date.parse(later));
    });

    test("a date that is none is refused", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "no date")), never);
      await expect(bench().vault.extend(stored, "for ever", never)).rejects.toMatchObject({ name: "HoldfastError" });
      expect((await receiptOf(bench().vault, stored)).problems).toEqual([]);
    });

    test("a hold is set and cleared, and the retention stays", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "hold")), never);
      await bench().vault.hold(stored, true, never);
      expect((await receiptOf(bench().vault, stored)).legalHold).toBe(true);
      await bench().vault.hold(stored, false, never);
      const receipt = await receiptOf(bench().vault, stored);
      expect([receipt.legalHold, receipt.problems]).toEqual([false, []]);
    });

    test("an object that is not there can be neither extended nor held", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "absent")), never);
      const absent = { ...stored, key: newKey() };
      await expect(bench().vault.extend(absent, inSeconds(9000), never)).rejects.toMatchObject({ code: "vault" });
      await expect(bench().vault.hold(absent, true, never)).rejects.toMatchObject({ code: "vault" });
    });
  });

  describe("read", () => {
    let stored: Stored;
    beforeAll(async () => {
      stored = await bench().vault.put(requestOf(traits, bytes), never);
    });

    test.for([
      [0, 1],
      [0, partSize],
      [partSize - 1, 2],
      [1, partSize + 50],
      [partSize, partSize],
      [bytes.length - 1, 1],
      [0, bytes.length],
    ])("bytes from %i, %i of them, are exactly those", async ([offset = 0, length = 0]) => {
      expect((await readAll(bench().vault, stored, offset, length)).equals(bytes.subarray(offset, offset + length))).toBe(true);
    });

    test("nothing asked is nothing given", async () => {
      expect(await readAll(bench().vault, stored, 10, 0)).toHaveLength(0);
    });

    test.for([
      [0, bytes.length + 1],
      [bytes.length - 1, 2],
      [bytes.length, 1],
      [bytes.length + 5, 5],
    ])("a range that goes beyond the end (%i, %i) rejects", async ([offset = 0, length = 0]) => {
      await expect(readAll(bench().vault, stored, offset, length)).rejects.toMatchObject({ code: "vault" });
    });

    test("an object that is not there rejects", async () => {
      await expect(readAll(bench().vault, { ...stored, key: newKey() }, 0, 1)).rejects.toMatchObject({ code: "vault" });
    });

    test("a reader that stops early, and one that aborts, end at once", async () => {
      for await (const chunk of bench().vault.read(stored, 0, bytes.length, never)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await expect(readAll(bench().vault, stored, 0, bytes.length, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    });
  });

  test("the doctor's probe finds what this store is known for, and leaves evidence alone", async () => {
    const stored = await bench().vault.put(requestOf(traits, bytesOf(9, "evidence")), never);
    const answers = await bench().vault.probe(never);
    expect(answers.filter((answer) => !answer.ok).map((answer) => answer.probe)).toEqual(traits.failsProbes);
    for (const answer of answers) expect(answer.text.length).toBeGreaterThan(10);
    expect((await receiptOf(bench().vault, stored)).problems).toEqual([]);
  });
}
