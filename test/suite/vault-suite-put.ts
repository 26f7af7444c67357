import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { memoryJournal } from "./memory-journal.ts";
import { bytesOf, partsOf } from "./parts-of.ts";
import { expectBytes, never, newKey, readAll, requestOf, type VaultBench, type VaultTraits } from "./vault-bench.ts";

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** The checksum that S3 documents: the digest of one part, or the digest of the parts' digests. */
function checksumOf(bytes: Uint8Array, partSize: number): { type: string; value: string } {
  if (bytes.length <= partSize) return { type: "full", value: sha256(bytes).toString("base64") };
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partSize) parts.push(sha256(bytes.subarray(at, at + partSize)));
  return { type: "composite", value: sha256(Buffer.concat(parts)).toString("base64") };
}

export function putClaims(bench: () => VaultBench, traits: VaultTraits): void {
  const { partSize } = traits;

  describe("put", () => {
    test.for([0, 1, partSize - 1, partSize, partSize + 1, 2 * partSize, 6 * partSize + 7])(
      "%i bytes arrive as they are, with the checksum that S3 documents",
      async (length) => {
        const bytes = bytesOf(length, "whole");
        const request = requestOf(traits, bytes);
        const stored = await bench().vault.put(request, never);
        expectBytes(await bench().raw(request.key), bytes);
        expect(stored.bytes).toBe(length);
        expect(stored.checksum).toEqual({ algorithm: "sha256", ...checksumOf(bytes, partSize), partSize: String(partSize) });
        expectBytes(await readAll(bench().vault, stored, 0, length), bytes);
      },
    );

    test("what was stored is named by vault, key, uri and, where the store has them, version", async () => {
      const request = requestOf(traits, bytesOf(10, "named"));
      const stored = await bench().vault.put(request, never);
      expect(stored).toMatchObject({ vault: bench().vault.name, key: request.key, asked: request.retention });
      expect(stored.uri.startsWith(traits.versions ? "s3://" : "file:///")).toBe(true);
      expect(stored.uri).toContain(request.key);
      expect(stored.version !== null).toBe(traits.versions);
    });

    test.for(["with a space", "späte ünïcode 証拠", "plus+percent%25and&equals=", "quest?ion#hash", "quotes\"'`$(x)", ".leading-dot", "-rf", "x".repeat(190)])(
      "a key with odd characters is stored under exactly that key: %s",
      async (name) => {
        const bytes = bytesOf(20, name);
        const request = requestOf(traits, bytes, { key: newKey(name) });
        const stored = await bench().vault.put(request, never);
        expectBytes(await bench().raw(request.key), bytes);
        expectBytes(await readAll(bench().vault, stored, 0, 20), bytes);
      },
    );

    test.for(["", "/absolute", "../up", "a/../../up", "a//b", "a/./b", "a/", "new\nline", "null\0", "back\\slash"])(
      "the key %j is refused before anything is written",
      async (key) => {
        const stream = partsOf(bytesOf(5, "refused"), partSize);
        await expect((async () => bench().vault.put(requestOf(traits, new Uint8Array(), { key, stream }), never))()).rejects.toMatchObject({ code: "usage" });
        expect(stream.taken()).toBe(0);
      },
    );

    test.for([10, 2 * partSize + 3])("an identical put of %i bytes with the same journal makes no second object", async (length) => {
      const bytes = bytesOf(length, "again");
      const first = requestOf(traits, bytes);
      const stored = await bench().vault.put(first, never);
      const again = await bench().vault.put({ ...first, stream: partsOf(bytes, partSize) }, never);
      expect([again.uri, again.version, again.bytes, again.checksum]).toEqual([stored.uri, stored.version, stored.bytes, stored.checksum]);
      expect(await bench().count(first.key)).toBe(1);
    });

    test.for([10, 2 * partSize + 3])("an identical put of %i bytes with a lost journal makes no second object", async (length) => {
      const bytes = bytesOf(length, "lost journal");
      const first = requestOf(traits, bytes);
      const stored = await bench().vault.put(first, never);
      const again = await bench().vault.put({ ...first, journal: memoryJournal(), stream: partsOf(bytes, partSize) }, never);
      expect(again.version).toBe(stored.version);
      expect(await bench().count(first.key)).toBe(1);
      expect(await bench().unfinished(first.key)).toBe(0);
    });

    test.for([10, 2 * partSize + 3])("other bytes under a key that is taken (%i) are refused and change nothing", async (length) => {
      const bytes = bytesOf(length, "first");
      const first = requestOf(traits, bytes);
      await bench().vault.put(first, never);
      for (const other of [bytesOf(length, "other"), bytesOf(length + 1, "first"), bytesOf(length - 1, "first"), bytesOf(0, "")])
        await expect(bench().vault.put(requestOf(traits, other, { key: first.key }), never)).rejects.toMatchObject({ code: "object-exists" });
      expectBytes(await bench().raw(first.key), bytes);
      expect(await bench().count(first.key)).toBe(1);
    });

    test.for([30, 2 * partSize + 3])("of eight different puts of one key at once (%i bytes) one wins, and whoever lost it is told", async (length) => {
      const key = newKey();
      const all = Array.from({ length: 8 }, (_, i) => bytesOf(length, `racer ${i}`));
      const ends = await Promise.allSettled(all.map((bytes) => bench().vault.put(requestOf(traits, bytes, { key }), never)));
      const won = ends.flatMap((end, i) => (end.status === "fulfilled" ? [{ stored: end.value, bytes: all[i] ?? bytesOf(0, "") }] : []));
      expect(won.length).toBeGreaterThanOrEqual(1);
      if (traits.oneWinner) expect(won).toHaveLength(1);
      for (const end of ends) if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "object-exists" });
      let whole = 0;
      for (const { stored, bytes } of won) {
        const state = await bench().vault.attest(stored, "identity", never);
        if (state.kind === "present") {
          whole += 1;
          if (traits.oneWinner) expect(state.receipt.problems).toEqual([]);
          expectBytes(await readAll(bench().vault, stored, 0, length), bytes);
        } else expect([state.kind, traits.oneWinner]).toEqual(["missing", false]); // acknowledged and lost: attest must say so
      }
      expect(whole).toBeGreaterThanOrEqual(1);
      if (traits.oneWinner) expect(await bench().count(key)).toBe(1);
    });

    test("puts of different keys at once all arrive", async () => {
      const all = Array.from({ length: 6 }, (_, i) => ({ key: newKey(), bytes: bytesOf(partSize + i, `side by side ${i}`) }));
      await Promise.all(all.map(({ key, bytes }) => bench().vault.put(requestOf(traits, bytes, { key }), never)));
      for (const { key, bytes } of all) expectBytes(await bench().raw(key), bytes);
    });

    test("nothing is visible before the last part was given", async () => {
      const seen: (Buffer | null)[] = [];
      const key = newKey();
      const stream = partsOf(bytesOf(3 * partSize, "slow"), partSize, { before: async () => void seen.push(await bench().raw(key)) });
      await bench().vault.put(requestOf(traits, new Uint8Array(), { key, stream }), never);
      expect(seen).toEqual([null, null, null]);
    });

    test("the journal hears of each step before or after it as it promises, in the order of the parts", async () => {
      const journal = memoryJournal();
      const request = requestOf(traits, bytesOf(5 * partSize, "order"), { journal });
      await bench().vault.put(request, never);
      expect(journal.calls).toEqual(["begin", "part 1", "part 2", "part 3", "part 4", "part 5", "completing"]);
      expect(journal.load()?.parts.map((part) => [part.number, part.bytes, part.rawFrom, part.rawTo])).toEqual(
        [0, 1, 2, 3, 4].map((i) => [i + 1, partSize, i * partSize, (i + 1) * partSize]),
      );
    });

    test("nothing is visible before `completing` is journaled", async () => {
      const journal = memoryJournal();
      const request = requestOf(traits, bytesOf(3 * partSize, "hidden"), { journal });
      journal.before = (call) => {
        if (call === "completing") throw new Error("the journal broke");
      };
      await expect(bench().vault.put(request, never)).rejects.toThrow();
      expect(await bench().count(request.key)).toBe(0);
    });

    test("progress only grows and ends at the size of the object", async () => {
      const seen: number[] = [];
      await bench().vault.put(requestOf(traits, bytesOf(4 * partSize + 9, "progress"), { progress: (bytes) => void seen.push(bytes) }), never);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(4 * partSize + 9);
    });
  });

  describe("a put that fails", () => {
    const broken = (): Error => new Error("the source broke");
    const cases: readonly [string, (length: number) => ReturnType<typeof partsOf>][] = [
      [
        "whose source breaks",
        (length) =>
          partsOf(bytesOf(length, "b"), partSize, {
            before: (n) => {
              if (n === 3) throw broken();
            },
          }),
      ],
      ["whose stream ends without its last part", (length) => partsOf(bytesOf(length, "b"), partSize, { endAfter: 2 })],
      ["whose stream gives no digest", (length) => partsOf(bytesOf(length, "b"), partSize, { digestFails: broken() })],
    ];
    test.for(cases)("%s leaves nothing visible and gives every part back once", async ([, streamOf]) => {
      const stream = streamOf(3 * partSize);
      const request = requestOf(traits, new Uint8Array(), { stream });
      await expect(bench().vault.put(request, never)).rejects.toThrow();
      expect(await bench().raw(request.key)).toBeNull();
      expect([...stream.released]).toEqual(Array.from({ length: stream.taken() }, (_, i) => [i + 1, 1]));
    });

    test("one part without a digest is not stored either", async () => {
      const request = requestOf(traits, new Uint8Array(), { stream: partsOf(bytesOf(9, "one"), partSize, { digestFails: broken() }) });
      await expect(bench().vault.put(request, never)).rejects.toThrow("the source broke");
      expect(await bench().raw(request.key)).toBeNull();
    });

    test("a put that succeeds gives every part back once", async () => {
      const stream = partsOf(bytesOf(5 * partSize + 1, "back"), partSize);
      await bench().vault.put(requestOf(traits, new Uint8Array(), { stream }), never);
      expect([...stream.released.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    });

    test("a put refused for its key gives every part back once", async () => {
      const first = requestOf(traits, bytesOf(2 * partSize, "taken"));
      await bench().vault.put(first, never);
      const stream = partsOf(bytesOf(3 * partSize, "refused"), partSize);
      await expect(bench().vault.put(requestOf(traits, new Uint8Array(), { key: first.key, stream }), never)).rejects.toThrow();
      expect([...stream.released.values()].every((times) => times === 1)).toBe(true);
      expect(stream.released.size).toBe(stream.taken());
    });

    test("a signal that is aborted already stops a put before it takes a part", async () => {
      const stream = partsOf(bytesOf(9, "early"), partSize);
      await expect(bench().vault.put(requestOf(traits, new Uint8Array(), { stream }), AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
      expect(stream.taken()).toBe(0);
    });
  });
}
