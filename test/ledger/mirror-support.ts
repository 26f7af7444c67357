import { cpSync, rmSync } from "node:fs";
import type { Vault } from "../../src/core/vault.ts";
import { mirrorLedger, type MirrorReport } from "../../src/ledger/mirror/mirror-ledger.ts";
import { mirrorFolder } from "../../src/ledger/mirror/mirror-names.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { inSeconds } from "../suite/vault-bench.ts";
import { forever, notes, open, ORIGIN, pathsIn } from "./support.ts";

export const folder: string = mirrorFolder(ORIGIN);

export async function append(paths: LedgerPaths, count: number): Promise<void> {
  const recorder = await open(paths);
  for (let done = 0; done < count; done += 500) await recorder.append(notes(Math.min(500, count - done), done));
  await recorder.close();
}

export function mirror(paths: LedgerPaths, vault: Vault, signal: AbortSignal = forever): Promise<MirrorReport> {
  return mirrorLedger(paths, { vault, retainUntil: inSeconds(3600) }, signal);
}

/** The home as it is now, elsewhere: what a backup or a snapshot of the machine is. */
export function copyOf(dir: string): { readonly dir: string; readonly paths: LedgerPaths; [Symbol.dispose](): void } {
  const copy = `${dir}-copy`;
  cpSync(dir, copy, { recursive: true });
  return { dir: copy, paths: pathsIn(copy), [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }) };
}

export async function keysUnder(vault: Vault, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of vault.list(prefix, null, forever)) keys.push(key.slice(prefix.length));
  return keys;
}
