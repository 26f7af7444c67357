import { describeError } from "../../core/error.ts";
import { readSmall } from "../../core/small-object.ts";
import type { Listed, Vault } from "../../core/vault.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import { formatVkey } from "../keys/log-key.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import { checkpointName, mirrorFolder, sizeOfName, vkeyName } from "./mirror-names.ts";

/** A checkpoint that the mirror holds and that this log's keys signed. */
export type Mirrored = { readonly checkpoint: Checkpoint; readonly note: Buffer; readonly listed: Listed };

export type MirrorSight = {
  readonly newest: Mirrored | null;
  /** The largest size that a checkpoint is there for, signed by us or not; -1 where there is none. */
  readonly largest: number;
  /** Two signed checkpoints of one size with different roots; null where there are none. */
  readonly split: { readonly one: Checkpoint; readonly other: Checkpoint } | null;
  /** Whether the mirror was begun with other keys than ours: its log is another one under our origin. Looked for where nothing of ours is there. */
  readonly foreign: boolean;
  /** What must not be in a store that nobody can write over: second versions, delete markers, what we did not sign. Sentences. */
  readonly alarms: readonly string[];
};

export const MAX_NOTE_BYTES: number = 1 << 20;
const NEAR = 1024;

/**
 * The newest signed checkpoint of the mirror, whatever its size. Looks from just below `size` upwards, and further down only where
 * nothing is found there: no list of all that was ever mirrored is needed, and no memory of what was. `size` 0 looks at all of them.
 * Rejects where the vault does.
 */
export async function lookAtMirror(vault: Vault, keys: LogVkeys, size: number, signal: AbortSignal): Promise<MirrorSight> {
  for (let back = NEAR; ; back *= 64) {
    const from = size === 0 ? 0 : Math.max(0, size - back);
    const sight = await lookFrom(vault, keys, from, signal);
    if (sight.newest !== null) return sight;
    if (from === 0) return { ...sight, foreign: await isForeign(vault, keys, signal) };
  }
}

async function lookFrom(vault: Vault, keys: LogVkeys, from: number, signal: AbortSignal): Promise<MirrorSight> {
  const folder = mirrorFolder(keys.origin);
  const after = from === 0 ? null : `${folder}${checkpointName(from - 1)}`;
  const bySize = new Map<number, Listed[]>();
  for await (const listed of vault.list(`${folder}checkpoint/`, after, signal)) {
    const size = sizeOfName(listed.key.slice(folder.length));
    if (size !== null) bySize.set(size, [...(bySize.get(size) ?? []), listed]);
  }
  const alarms: string[] = [];
  for (const [size, versions] of bySize) alarms.push(...alarmsOf(vault, size, versions));
  let newest: Mirrored | null = null;
  let split: MirrorSight["split"] = null;
  const sizes = [...bySize.keys()].sort((a, b) => b - a);
  for (const size of sizes) {
    const versions = bySize.get(size) ?? [];
    // One version of a size is read only until the newest is found; several are all read, since two roots are a fork.
    if (newest !== null && versions.length === 1) continue;
    const signed = await readVersions(vault, keys, size, versions, alarms, signal);
    const [one] = signed;
    const other = signed.find(({ checkpoint }) => one !== undefined && !checkpoint.root.equals(one.checkpoint.root));
    if (one !== undefined && other !== undefined) split ??= { one: one.checkpoint, other: other.checkpoint };
    newest ??= one ?? null;
  }
  return { newest, largest: sizes[0] ?? -1, split, foreign: false, alarms };
}

/** The first key list of the mirror, in its first version, names keys that are none of ours, today's or retired. */
async function isForeign(vault: Vault, keys: LogVkeys, signal: AbortSignal): Promise<boolean> {
  const key = mirrorFolder(keys.origin) + vkeyName(0);
  let first: Listed | null = null;
  for await (const listed of vault.list(key, null, signal)) if (listed.key === key && listed.bytes !== null) first = listed;
  if (first === null) return false;
  const ours = new Set(keys.vkeys.map(formatVkey));
  const theirs = (await readSmall(vault, first, MAX_NOTE_BYTES, signal)).toString("utf8").split("\n");
  return !theirs.some((line) => ours.has(line));
}

async function readVersions(
  vault: Vault,
  keys: LogVkeys,
  size: number,
  versions: readonly Listed[],
  alarms: string[],
  signal: AbortSignal,
): Promise<readonly Mirrored[]> {
  const signed: Mirrored[] = [];
  for (const listed of versions) {
    if (listed.bytes === null) continue;
    if (listed.bytes > MAX_NOTE_BYTES) {
      alarms.push(`checkpoint ${size} in vault ${vault.name} has ${listed.bytes} bytes and is none`);
      continue;
    }
    const note = await readSmall(vault, listed, MAX_NOTE_BYTES, signal);
    try {
      const checkpoint = openCheckpoint(note, keys.origin, keys.vkeys);
      if (checkpoint.size === size) signed.push({ checkpoint, note, listed });
      else alarms.push(`the checkpoint that vault ${vault.name} keeps as that of size ${size} is of size ${checkpoint.size}`);
    } catch (error) {
      alarms.push(`the checkpoint of size ${size} in vault ${vault.name} was not signed by this log's keys: ${describeError(error)}`);
    }
  }
  return signed;
}

function alarmsOf(vault: Vault, size: number, versions: readonly Listed[]): readonly string[] {
  const written = versions.filter(({ bytes }) => bytes !== null).length;
  const alarms: string[] = [];
  if (written > 1)
    alarms.push(`the checkpoint of size ${size} in vault ${vault.name} has ${written} versions: somebody wrote over it, and Holdfast never does`);
  if (written < versions.length) alarms.push(`the checkpoint of size ${size} in vault ${vault.name} was hidden by a delete marker`);
  return alarms;
}
