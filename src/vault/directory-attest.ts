import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { describeError, HoldfastError, systemCode } from "../core/error.ts";
import type { ObjectState, Receipt, Stored } from "../core/vault.ts";
import { isImmutable } from "./directory-flags.ts";
import { isMarked } from "./directory-marker.ts";
import { objectPath } from "./directory-paths.ts";
import { readSidecar } from "./directory-retention.ts";
import { checksumOfFile } from "./directory-sums.ts";

/** Reads the file again from end to end: a directory keeps no checksum of its own that could be asked for. */
export async function attestInDirectory(root: string, now: Date, stored: Stored, encoding: "identity" | "zstd", signal: AbortSignal): Promise<ObjectState> {
  const path = objectPath(root, stored.key);
  try {
    return { kind: "present", receipt: await receiptOf(path, now, stored, encoding, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) === "ENOENT") return absent(root, path);
    return { kind: "unknown", text: `${path}: ${describeError(error)}` };
  }
}

/** A file is missing only from a directory that is known to be the vault; an unmounted disk has lost nothing. */
async function absent(root: string, path: string): Promise<ObjectState> {
  try {
    if (await isMarked(root)) return { kind: "missing", text: `there is no file ${path}` };
    return {
      kind: "unknown",
      text: `there is no file ${path}, and ${root} is not there or does not carry a vault's mark: see that the disk is mounted and the configuration names the right directory`,
    };
  } catch (error) {
    return { kind: "unknown", text: `${root}: ${describeError(error)}` };
  }
}

async function receiptOf(path: string, now: Date, stored: Stored, encoding: "identity" | "zstd", signal: AbortSignal): Promise<Receipt> {
  if (!(await lstat(path)).isFile()) throw new HoldfastError("vault", "it is not a regular file");
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size, mode } = await file.stat();
  const problems: string[] = [];
  const checksum = await checksumOfFile(file, size, Number(stored.checksum.partSize), signal);
  if (size !== stored.bytes) problems.push(`size: ${stored.bytes} bytes were stored, the file has ${size}`);
  if (checksum.value !== stored.checksum.value || checksum.type !== stored.checksum.type)
    problems.push(`checksum: ${stored.checksum.value} was stored, the file gives ${checksum.value}`);
  if ((mode & 0o222) !== 0) problems.push(`mode: the file can be written (${(mode & 0o777).toString(8)})`);

  const recorded = await readSidecar(path).catch(describeError);
  const sidecar = typeof recorded === "string" ? null : recorded;
  if (sidecar === null) problems.push(`retention: ${typeof recorded === "string" ? recorded : "the record beside the file is missing"}`);
  else {
    const short = Date.parse(stored.asked.retainUntil) - Date.parse(sidecar.retainUntil);
    if (short > 0) problems.push(`retention: ${stored.asked.retainUntil} was asked, ${sidecar.retainUntil} is recorded: ${short / 1000} s short`);
    if (Date.parse(sidecar.retainUntil) <= now.getTime()) problems.push(`retention: it lapsed at ${sidecar.retainUntil}`);
    if (stored.asked.legalHold && !sidecar.legalHold) problems.push("hold: a legal hold was asked and none is recorded");
  }
  const immutable = await isImmutable(path);
  return {
    uri: stored.uri,
    version: null,
    bytes: String(size),
    encoding,
    checksum,
    lock: "removable",
    mode: "directory",
    retainUntil: sidecar?.retainUntil ?? null,
    legalHold: sidecar?.legalHold ?? null,
    sealed: false,
    text: worthOf(immutable),
    problems,
    requestIds: [],
  };
}

/** What the lock of a directory is worth, for people. */
function worthOf(immutable: boolean | null): string {
  const guard =
    immutable === true
      ? "The file is read-only and carries the immutable flag, which root on this machine can clear."
      : immutable === false
        ? "The file is read-only; the immutable flag is not set (rights or filesystem do not allow it), so its owner and root on this machine can remove it."
        : "The file is read-only; whether the immutable flag is set could not be read, so its owner and root on this machine may be able to remove it.";
  return `${guard} Retention and holds are written beside it and bind Holdfast's own commands only: this keeps evidence from accidents, not from whoever controls the machine.`;
}
