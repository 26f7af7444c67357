import { describe, expect, test } from "vitest";
import { memoryJournal, type MemoryJournal } from "./memory-journal.ts";
import { bytesOf, partsOf } from "./parts-of.ts";
import { expectBytes, never, newKey, requestOf, type VaultBench, type VaultTraits } from "./vault-bench.ts";

export function resumeClaims(bench: () => VaultBench, traits: VaultTraits): void {
  const { partSize } = traits;
  const bytes = bytesOf(4 * partSize + 11, "resumed");

  /** A put that was killed after `parts` parts were journaled: every later step of the journal fails. */
  async function killedAfter(parts: number, key: string): Promise<MemoryJournal> {
    const journal = memoryJournal();
    journal.before = (call) => {
      if (call === "completing" || (call.startsWith("part ") && Number(call.slice(5)) > parts)) throw new Error("killed");
    };
    await expect(bench().vault.put(requestOf(traits, bytes, { key, journal }), never)).rejects.toThrow("killed");
    journal.before = null;
    expect(journal.load()?.parts).toHaveLength(parts);
    return journal;
  }
  const tokenOf = (journal: MemoryJournal): string => journal.load()?.token ?? "";

  describe("resume", () => {
    test.for([0, 1, 2, 3, 4, 5])("a put that was killed after part %i ends as one whole object", async (parts) => {
      const key = newKey();
      const journal = await killedAfter(parts, key);
      expect(await bench().raw(key)).toBeNull();
      const stored = await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expect(stored.bytes).toBe(bytes.length);
      expectBytes(await bench().raw(key), bytes);
      expect(await bench().count(key)).toBe(1);
      expect(await bench().unfinished(key)).toBe(0);
    });

    test("aborting keeps what is journaled, gives parts back, and resume goes on from there", async () => {
      const key = newKey();
      const journal = memoryJournal();
      const stop = new AbortController();
      journal.before = (call) => {
        if (call === "part 3") setImmediate(() => stop.abort(new Error("ctrl-c")));
      };
      const aborted = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
      const stream = partsOf(bytes, partSize, { before: (n) => (n > 4 ? aborted : undefined) });
      await expect(bench().vault.put(requestOf(traits, bytes, { key, journal, stream }), stop.signal)).rejects.toThrow("ctrl-c");
      expect(journal.load()?.parts.length).toBeGreaterThanOrEqual(3);
      const token = tokenOf(journal);
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expect(tokenOf(journal)).toBe(token);
      expectBytes(await bench().raw(key), bytes);
      expect([...stream.released.values()].every((times) => times === 1)).toBe(true);
    });

    test("a journal that says more than the store holds is not believed", async () => {
      const key = newKey();
      const journal = await killedAfter(3, key);
      await bench().spoilPart(key, tokenOf(journal), 2, partSize);
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expectBytes(await bench().raw(key), bytes);
    });

    test("an upload that the store has lost starts over", async () => {
      const key = newKey();
      const journal = await killedAfter(3, key);
      await bench().loseUpload(key, tokenOf(journal));
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expectBytes(await bench().raw(key), bytes);
      expect(await bench().count(key)).toBe(1);
    });

    test.for([1, 2, 3])("a source that changed in part %i is caught, its raw range named, and nothing becomes visible", async (part) => {
      const key = newKey();
      const journal = await killedAfter(3, key);
      const changed = Buffer.from(bytes);
      const at = (part - 1) * partSize + 5;
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(bench().vault.put(requestOf(traits, changed, { key, journal }), never)).rejects.toMatchObject({
        code: "source-changed",
        message: expect.stringContaining(`${(part - 1) * partSize} to ${part * partSize}`),
      });
      expect(await bench().raw(key)).toBeNull();
    });

    test("a source that became shorter than what was journaled is caught", async () => {
      const key = newKey();
      const journal = await killedAfter(4, key);
      const stream = partsOf(bytes.subarray(0, 2 * partSize), partSize);
      await expect(bench().vault.put(requestOf(traits, bytes, { key, journal, stream }), never)).rejects.toMatchObject({ code: "source-changed" });
      expect(await bench().raw(key)).toBeNull();
    });

    test("a put that was killed after its object became visible is found finished", async () => {
      const key = newKey();
      const journal = memoryJournal();
      const first = await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      const again = await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expect(again.version).toBe(first.version);
      expect(await bench().count(key)).toBe(1);
    });

    test("a finished put that is repeated from another source is told apart", async () => {
      const key = newKey();
      const journal = memoryJournal();
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      await expect(bench().vault.put(requestOf(traits, bytesOf(bytes.length, "other"), { key, journal }), never)).rejects.toMatchObject({
        code: "source-changed",
      });
      expectBytes(await bench().raw(key), bytes);
    });

    test("another part size voids the old upload", async () => {
      const key = newKey();
      const journal = await killedAfter(3, key);
      await bench().vault.put(requestOf(traits, bytes, { key, journal, stream: partsOf(bytes, partSize + 1024) }), never);
      expect(journal.load()?.partSize).toBe(partSize + 1024);
      expectBytes(await bench().raw(key), bytes);
      expect(await bench().unfinished(key)).toBe(0);
    });

    test("one small object that was killed before its journal heard of it is not stored twice", async () => {
      const key = newKey();
      const small = bytesOf(100, "small");
      const journal = memoryJournal();
      journal.before = (call) => {
        if (call === "part 1") throw new Error("killed");
      };
      await expect(bench().vault.put(requestOf(traits, small, { key, journal }), never)).rejects.toThrow("killed");
      journal.before = null;
      await bench().vault.put(requestOf(traits, small, { key, journal }), never);
      expectBytes(await bench().raw(key), small);
      expect(await bench().count(key)).toBe(1);
    });
  });

  describe("abandon", () => {
    test("removes an unfinished upload, and may be repeated", async () => {
      const key = newKey();
      const journal = await killedAfter(2, key);
      expect(await bench().unfinished(key)).toBe(1);
      await bench().vault.abandon(key, tokenOf(journal), never);
      await bench().vault.abandon(key, tokenOf(journal), never);
      expect(await bench().unfinished(key)).toBe(0);
    });

    test("never touches a finished object", async () => {
      const key = newKey();
      const journal = memoryJournal();
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      await bench().vault.abandon(key, tokenOf(journal), never);
      expectBytes(await bench().raw(key), bytes);
    });

    test("an abandoned put that is resumed all the same starts over", async () => {
      const key = newKey();
      const journal = await killedAfter(2, key);
      await bench().vault.abandon(key, tokenOf(journal), never);
      await bench().vault.put(requestOf(traits, bytes, { key, journal }), never);
      expectBytes(await bench().raw(key), bytes);
    });

    test("a token that is not the vault's own is refused", async () => {
      await expect(bench().vault.abandon(newKey(), "../../etc/passwd", never)).rejects.toMatchObject({ code: "vault" });
    });
  });
}
