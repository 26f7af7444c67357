import type { Listed, Vault } from "../../core/vault.ts";
import { TILE_WIDTH } from "../format/merkle.ts";
import { bundleName, checkpointName, mirrorFolder, sizeOfName, vkeyName } from "./mirror-names.ts";

/** `first`: the version that was put where nothing was; null where the list has none of it. `others`: later versions and delete markers. */
export type MirrorObject = { readonly key: string; readonly first: Listed | null; readonly others: number };

/**
 * Every object of the log's mirror, then what its newest checkpoint needs and the list does not have: no list is believed that it is
 * whole. `size` is that of our own head; a checkpoint beyond it is an alarm of others (mirror-look.ts), and nobody's reason to look for
 * its tiles. Rejects as Vault.list.
 */
export async function* mirrorObjects(vault: Vault, origin: string, size: number, signal: AbortSignal): AsyncGenerator<MirrorObject> {
  const folder = mirrorFolder(origin);
  const seen = new Set<string>();
  let newest = 0;
  let group: Listed[] = [];
  for await (const listed of vault.list(folder, null, signal)) {
    if (group.length > 0 && group[0]?.key !== listed.key) yield objectOf(group);
    if (group[0]?.key !== listed.key) group = [];
    group.push(listed);
    const name = listed.key.slice(folder.length);
    const checkpoint = sizeOfName(name);
    if (checkpoint !== null && checkpoint <= size) newest = Math.max(newest, checkpoint);
    if (checkpoint === null && listed.bytes !== null) seen.add(name);
  }
  if (group.length > 0) yield objectOf(group);
  for (const name of namesFor(newest, size)) if (!seen.has(name)) yield { key: folder + name, first: null, others: 0 };
}

/** Versions are listed newest first. */
function objectOf(group: readonly Listed[]): MirrorObject {
  const first = group.findLast(({ bytes }) => bytes !== null) ?? null;
  return { key: group[0]?.key ?? "", first, others: group.length - (first === null ? 0 : 1) };
}

/** A log that has acts and no checkpoint in its mirror was never mirrored, or all of it is hidden. */
function* namesFor(newest: number, size: number): Generator<string> {
  if (size === 0) return;
  if (newest === 0) return yield checkpointName(size);
  yield vkeyName(0);
  for (let n = 0; n < Math.floor(newest / TILE_WIDTH); n += 1) yield bundleName(n, TILE_WIDTH);
  if (newest % TILE_WIDTH > 0) yield bundleName(Math.floor(newest / TILE_WIDTH), newest % TILE_WIDTH);
}
