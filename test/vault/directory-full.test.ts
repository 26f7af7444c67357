import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { expectBytes, never, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 64 << 10, mode: "directory", lock: "removable", seals: false, versions: false, oneWinner: true, failsProbes: [] };

test("a full disk is told, nothing becomes visible, and resume goes on when there is space again", async ({ skip }) => {
  const root = await mkdtemp(join(tmpdir(), "holdfast-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", root], { stdio: "ignore" });
  } catch {
    await rm(root, { recursive: true });
    return skip("a filesystem of one megabyte cannot be mounted without root");
  }
  try {
    const vault = openDirectoryVault({ name: "here", root, clock: () => new Date(), random: (n) => randomBytes(n) });
    const journal = memoryJournal();
    const bytes = bytesOf(3 << 20, "too much");
    const request = requestOf(traits, bytes, { journal, key: "F-1/001-image" });
    await expect(vault.put(request, never)).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("no space is left") });
    await expect(readFile(join(root, request.key))).rejects.toMatchObject({ code: "ENOENT" });
    expect(journal.load()?.parts.length).toBeGreaterThan(5);
    execFileSync("mount", ["-o", "remount,size=8m", root]);
    const again = requestOf(traits, bytes, { journal, key: "F-1/001-image" });
    const stored = await vault.put(again, never);
    expectBytes(await readFile(join(root, request.key)), bytes);
    const receipt = await receiptOf(vault, stored);
    expect(receipt.problems).toEqual([]);
    expect(receipt.text).toMatch(/immutable flag/);
  } finally {
    execFileSync("umount", [root]);
    await rm(root, { recursive: true });
  }
});
