import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { bytesOf } from "./parts-of.ts";
import { expectBytes, inSeconds, never, newKey, receiptOf, requestOf, type VaultBench, type VaultTraits } from "./vault-bench.ts";

export function disposeClaims(bench: () => VaultBench, traits: VaultTraits): void {
  const bytes = bytesOf(100, "disposed of");

  describe("dispose", () => {
    test("is refused while it is locked, and changes nothing", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytes), never);
      await expect(bench().vault.dispose(stored, never)).rejects.toMatchObject({
        code: "refused",
        message: expect.stringMatching(/kept until|cannot be read/),
      });
      expect((await receiptOf(bench().vault, stored)).problems).toEqual([]);
      expectBytes(await bench().raw(stored.key), bytes);
    });

    test("is refused under a hold though the retention has ended, and takes exactly that version once neither is on", async () => {
      const { vault } = bench();
      const stored = await vault.put(requestOf(traits, bytes, { legalHold: true, retainUntil: inSeconds(1) }), never);
      const other = await vault.put(requestOf(traits, bytes), never);
      await sleep(2_500);
      await expect(vault.dispose(stored, never)).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(/hold/) });
      await vault.hold(stored, false, never);
      expect(await vault.dispose(stored, never)).toMatchObject({ kind: "deleted" });
      expect((await vault.attest(stored, "identity", never)).kind).toBe("missing");
      expect([await bench().raw(stored.key), await bench().count(stored.key)]).toEqual([null, 0]);
      expect((await receiptOf(vault, other)).problems).toEqual([]);
    });

    test("of what is not there is no success", async () => {
      const stored = await bench().vault.put(requestOf(traits, bytes), never);
      await expect(bench().vault.dispose({ ...stored, key: newKey() }, never)).rejects.toMatchObject({ name: "HoldfastError" });
    });
  });

  test.skipIf(traits.mode === "governance")("a retention that is no governance lock is shortened for nobody", async () => {
    const stored = await bench().vault.put(requestOf(traits, bytes), never);
    await expect(bench().vault.shorten(stored, inSeconds(5), never)).rejects.toMatchObject({ code: "refused" });
    expect((await receiptOf(bench().vault, stored)).problems).toEqual([]);
  });
}
