import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Listed } from "../../src/core/vault.ts";
import { bytesOf } from "./parts-of.ts";
import { never, requestOf, type VaultBench, type VaultTraits } from "./vault-bench.ts";

export function listClaims(bench: () => VaultBench, traits: VaultTraits): void {
  const list = async (prefix: string, after: string | null = null): Promise<Listed[]> => {
    const found: Listed[] = [];
    for await (const listed of bench().vault.list(prefix, after, never)) found.push(listed);
    return found;
  };
  const put = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await bench().vault.put(requestOf(traits, bytesOf(key.length, key), { key }), never);
  };
  const folder = (): string => `L-${randomBytes(6).toString("hex")}/`;

  describe("list", () => {
    test("what was put is listed with its size and version, by key in byte order, and nothing that lies beside", async () => {
      const at = folder();
      const names = ["b/2", "b/1", "b.x", "a", "b-1/z", "c/d/e"];
      await put(...names.map((name) => at + name));
      const found = await list(at);
      expect(found.map(({ key, bytes }) => [key.slice(at.length), bytes])).toEqual(
        ["a", "b-1/z", "b.x", "b/1", "b/2", "c/d/e"].map((name) => [name, at.length + name.length]),
      );
      for (const { version } of found) expect(version === null).toBe(!traits.versions);
      const [first] = found;
      if (first === undefined) throw new Error("nothing is listed");
      const read: Uint8Array[] = [];
      for await (const chunk of bench().vault.read({ vault: bench().vault.name, uri: "", ...first }, 0, first.bytes ?? 0, never)) read.push(chunk);
      expect(Buffer.concat(read).equals(bytesOf(first.key.length, first.key))).toBe(true);
    });

    test("a prefix need not end at a slash, and what comes after a key begins behind it", async () => {
      const at = folder();
      await put(`${at}ab/1`, `${at}ab/2`, `${at}ab/3`, `${at}ac`, `${at}b`);
      const keys = async (prefix: string, after: string | null): Promise<string[]> =>
        (await list(at + prefix, after === null ? null : at + after)).map(({ key }) => key.slice(at.length));
      expect(await keys("a", null)).toEqual(["ab/1", "ab/2", "ab/3", "ac"]);
      expect(await keys("a", "ab/1")).toEqual(["ab/2", "ab/3", "ac"]);
      expect(await keys("ab/", "ab/25")).toEqual(["ab/3"]);
      expect(await keys("ab/", "ab/3")).toEqual([]);
      expect(await keys("", "ab/9")).toEqual(["ac", "b"]);
    });

    test("where nothing is, nothing is listed", async () => {
      expect(await list(folder())).toEqual([]);
    });

    test("a list that is aborted rejects", async () => {
      await expect(
        (async () => {
          for await (const _ of bench().vault.list("", null, AbortSignal.abort(new Error("enough")))) break;
        })(),
      ).rejects.toThrow("enough");
    });
  });
}
