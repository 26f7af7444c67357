import { HoldfastError } from "../../core/error.ts";
import { readSmall } from "../../core/small-object.ts";
import type { Listed, Vault } from "../../core/vault.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import { TILE_WIDTH } from "../format/merkle.ts";
import { bundleName, mirrorFolder, isVkeyName, MIRRORS } from "./mirror-names.ts";
import { parseBundle } from "../format/tlog-tiles.ts";
import { parseVkeys } from "../keys/vkey-list.ts";

const MAX_VKEY_BYTES = 1 << 20;
const MAX_BUNDLE_BYTES: number = TILE_WIDTH * (2 + 65_535);

/** The logs that a vault mirrors, with the keys that the mirror itself names: no better than whoever wrote them there. */
export async function mirroredLogs(vault: Vault, signal: AbortSignal): Promise<readonly LogVkeys[]> {
  // By folder the list of the last generation, which names those before it; of that the first version.
  const lists = new Map<string, Listed>();
  for await (const listed of vault.list(MIRRORS, null, signal)) {
    const folder = listed.key.slice(0, listed.key.lastIndexOf("/") + 1);
    if (isVkeyName(listed.key.slice(folder.length)) && listed.bytes !== null) lists.set(folder, listed);
  }
  const logs: LogVkeys[] = [];
  for (const [folder, listed] of lists) {
    const keys = parseVkeys((await readSmall(vault, listed, MAX_VKEY_BYTES, signal)).toString("utf8"), `${listed.key} in vault ${vault.name}`);
    if (folder === mirrorFolder(keys.origin)) logs.push(keys);
  }
  return logs;
}

/**
 * The leaves of a mirrored log, bundle by bundle. They are as the vault gives them: nothing is theirs until they have led to a signed
 * root. Rejects with `altered` where a bundle is not there or not whole.
 */
export async function* mirroredLeaves(vault: Vault, origin: string, size: number, signal: AbortSignal): AsyncGenerator<readonly Buffer[], void, undefined> {
  const folder = mirrorFolder(origin);
  for (let start = 0; start < size; start += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - start);
    const name = bundleName(start / TILE_WIDTH, width);
    const listed = await oldestVersion(vault, folder + name, signal);
    if (listed === null)
      throw new HoldfastError(
        "altered",
        `vault ${vault.name} lacks ${folder}${name}: entries ${start} to ${start + width - 1} of the ${size} that its checkpoint signs are missing`,
      );
    yield parseBundle(await readSmall(vault, listed, MAX_BUNDLE_BYTES, signal), width);
  }
}

/** What we wrote is the first version: nobody can write under a key that is taken, only over it. */
async function oldestVersion(vault: Vault, key: string, signal: AbortSignal): Promise<Listed | null> {
  let oldest: Listed | null = null;
  for await (const listed of vault.list(key, null, signal)) if (listed.key === key && listed.bytes !== null) oldest = listed;
  return oldest;
}
