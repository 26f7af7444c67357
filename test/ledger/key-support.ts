import { randomBytes } from "node:crypto";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { nextKeys, takeNextKeys } from "../../src/ledger/keys/rotate-keys.ts";
import { currentFrom } from "../../src/ledger/keys/vkey-list.ts";
import { draft, open } from "./support.ts";

/** What `key revoke` does, without the command around it. Gives the size of the first head that the new keys sign. */
export async function revokeKeys(paths: LedgerPaths): Promise<number> {
  const { keys, succession } = await nextKeys(paths, [], randomBytes);
  const recorder = await open(paths);
  await recorder.append([draft("key-revoked", { detail: { asked: { keys: [...keys] }, succession } })]);
  await recorder.close();
  return currentFrom((await takeNextKeys(paths, keys, "revoked")).vkeys);
}
