import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { HoldfastError } from "../core/error.ts";
import type { Listed, Vault } from "../core/vault.ts";

/** One file of a store's own logs. `open` streams it and rejects where it cannot be read. */
export type LogFile = { readonly name: string; readonly open: () => AsyncIterable<Uint8Array> };

/** Every file in a folder of downloaded logs, by name. Throws `usage` for no folder. */
export async function* logsInFolder(folder: string, signal: AbortSignal): AsyncGenerator<LogFile> {
  let names: readonly string[];
  try {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    names = found.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch (error) {
    throw new HoldfastError(
      "usage",
      `--logs: ${folder} is no folder that can be read; download the vault's access logs into one, or name s3://BUCKET/PREFIX`,
      error,
    );
  }
  for (const name of [...names].sort()) yield { name, open: () => createReadStream(join(folder, name), { signal }) };
}

/**
 * Every log object of a bucket under keys that begin with `prefix`, each version of it: what somebody wrote over is read too, and a
 * key of which only a delete marker is left cannot be read. What was last written before `since` (milliseconds) cannot hold a call
 * after it, and is passed over. Rejects as Vault.list.
 */
export async function* logsInBucket(bucket: Vault, prefix: string, since: number, signal: AbortSignal): AsyncGenerator<LogFile> {
  let versions: Listed[] = [];
  for await (const listed of bucket.list(prefix, null, signal)) {
    if (versions.length > 0 && versions[0]?.key !== listed.key) yield* filesOf(bucket, versions, since, signal);
    if (versions[0]?.key !== listed.key) versions = [];
    versions.push(listed);
  }
  yield* filesOf(bucket, versions, since, signal);
}

function* filesOf(bucket: Vault, versions: readonly Listed[], since: number, signal: AbortSignal): Generator<LogFile> {
  const written = versions.filter(({ bytes }) => bytes !== null);
  for (const { key, version, bytes, modified } of written) {
    if (modified !== null && Date.parse(modified) < since) continue;
    const open = (): AsyncIterable<Uint8Array> => bucket.read({ vault: bucket.name, uri: bucket.locate(key), key, version }, 0, bytes ?? 0, signal);
    yield { name: key, open };
  }
  const [hidden] = versions;
  if (hidden !== undefined && written.length === 0) yield { name: hidden.key, open: () => deleted(hidden) };
}

async function* deleted({ modified }: Listed): AsyncGenerator<Uint8Array> {
  yield* [];
  throw new HoldfastError("unverifiable", `it was deleted${modified === null ? "" : ` at ${modified}`}, and whatever calls it held are not here`);
}
