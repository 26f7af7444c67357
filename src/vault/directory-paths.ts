import { lstat, mkdir, open, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";

/** What stands beside an object and records its retention and holds. */
const sidecarEnding = ".retention.json";
/** An unfinished put; the name is the journal's token. */
const temporaryName = /^\.holdfast-[0-9a-f]{32}\.part$/;

/** The absolute path of a key. Refuses whatever could leave the vault's directory or pose as one of its own files. */
export function objectPath(root: string, key: string): string {
  const segments = key.split("/");
  const wrong =
    /[\p{Cc}\\]/u.test(key) ||
    segments.some((segment) => segment === "" || segment === "." || segment === ".." || Buffer.byteLength(segment) > 200) ||
    key.endsWith(sidecarEnding) ||
    segments.at(-1)?.startsWith(".holdfast-") === true;
  if (wrong)
    throw new HoldfastError(
      "usage",
      `${printable(key)}: not a key of a directory vault; use a relative path of plain segments (at most 200 bytes each), without .., backslash, control characters or the ending ${sidecarEnding}`,
    );
  return join(root, ...segments);
}

/** A file that is no object: what stands beside objects, unfinished puts, the vault's mark. */
export function isOwnFile(name: string): boolean {
  return name.endsWith(sidecarEnding) || name.startsWith(".holdfast-");
}

export function objectUri(root: string, key: string): string {
  return pathToFileURL(objectPath(root, key)).href;
}

export function sidecarPath(object: string): string {
  return object + sidecarEnding;
}

export function temporaryPath(object: string, token: string): string {
  // The token comes back from a journal on disk: it must not name a file elsewhere.
  if (!temporaryName.test(token))
    throw new HoldfastError("vault", `${printable(object)}: the journal's token ${printable(token)} is not one of this vault; start the exhibit again`);
  return join(dirname(object), token);
}

export function newToken(random: (bytes: number) => Uint8Array): string {
  return `.holdfast-${Buffer.from(random(16)).toString("hex")}.part`;
}

/** Makes the parents of an object durable, and refuses parents that lead out of the vault by a symbolic link. */
export async function makeParents(root: string, object: string): Promise<void> {
  const parent = dirname(object);
  const first = await mkdir(parent, { recursive: true });
  // A new name is durable only when the directory that holds it was flushed (fsync(2)).
  for (let made = parent; first !== undefined && made.startsWith(dirname(first)) && made.length > dirname(first).length; made = dirname(made))
    await syncDirectory(dirname(made));
  const inside = relative(await realpath(root), await realpath(parent));
  if (inside === ".." || inside.startsWith(`..${sep}`))
    throw new HoldfastError("vault", `${printable(parent)} leads out of the vault ${printable(root)} through a symbolic link; remove the link`);
}

export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left; free some or choose another vault, then resume: what was written is kept",
  EDQUOT: "the disk quota is used up; raise it or choose another vault, then resume: what was written is kept",
  EACCES: "permission denied; give this user the right to write there",
  EPERM: "operation not permitted; give this user the right to write there",
  EROFS: "the filesystem is read-only; choose another vault",
  ENOENT: "it does not exist",
  EFBIG: "the filesystem does not take files of this size; choose another vault",
};

/** System errors become `vault`, with what to do; what is already ours, or an abort, passes unchanged. */
export function directoryError(vault: string, path: string, error: unknown, signal: AbortSignal | null): unknown {
  if (error instanceof HoldfastError || signal?.aborted === true) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  return new HoldfastError("vault", `vault ${vault}: ${printable(path)}: ${advice[code] ?? `the filesystem answered ${code}; check the disk`}`, error);
}
