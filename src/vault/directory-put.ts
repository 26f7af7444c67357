import { chmod, constants, link, open, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { hash } from "node:crypto";
import { parseSha256, type Sha256 } from "../core/digest.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Part } from "../core/part.ts";
import type { Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import type { PartNote, PutRequest, Stored } from "../core/vault.ts";
import { setImmutable } from "./directory-flags.ts";
import { exists, makeParents, newToken, objectPath, objectUri, syncDirectory, temporaryPath } from "./directory-paths.ts";
import { markRoot } from "./directory-marker.ts";
import { writeSidecar } from "./directory-retention.ts";
import { checksumOfParts, digestRegion, scratchOf, type Scratch } from "./directory-sums.ts";

export type DirectoryPlace = { readonly name: string; readonly root: string; readonly random: Random; readonly immutable: boolean };

/** What the source gave, whether it was written now or found already there. */
type Taken = { readonly bytes: number; readonly parts: readonly Sha256[] };
type Begun = { readonly file: FileHandle; readonly token: string; readonly known: ReadonlyMap<number, PartNote> };

export async function putInDirectory(place: DirectoryPlace, request: PutRequest, signal: AbortSignal): Promise<Stored> {
  const { key, retention, journal, stream } = request;
  const path = objectPath(place.root, key);
  await makeParents(place.root, path);
  await markRoot(place.root);
  const begun = (await exists(path)) ? null : await begin(place, path, request);
  let taken: Taken;
  if (begun === null) {
    taken = await compareWith(path, request, notesOf(request), signal);
    const token = journal.load()?.token;
    if (token !== undefined) await rm(temporaryPath(path, token), { force: true }); // a crash between link and unlink
  } else {
    try {
      taken = await writeParts(begun, request, signal);
      await begun.file.truncate(taken.bytes);
      await begun.file.chmod(0o444);
      await begun.file.sync();
    } finally {
      await begun.file.close();
    }
    journal.completing();
    const temporary = temporaryPath(path, begun.token);
    // link(2) and not rename(2): it refuses a name that is taken, whoever took it and whenever.
    const won = await link(temporary, path).then(
      () => true,
      (error: unknown) => {
        if (systemCode(error) === "EEXIST") return false;
        throw error;
      },
    );
    if (!won) await sameAs(path, key, taken, stream.partSize);
    await syncDirectory(dirname(path));
    await rm(temporary, { force: true });
  }
  await writeSidecar(path, { retainUntil: retention.retainUntil, legalHold: retention.legalHold }, place.random, true);
  if (place.immutable) await setImmutable(path);
  const checksum = checksumOfParts(taken.parts, stream.partSize);
  return { vault: place.name, uri: objectUri(place.root, key), key, version: null, bytes: taken.bytes, checksum, asked: retention, requestIds: [] };
}

function notesOf(request: PutRequest): ReadonlyMap<number, PartNote> {
  const state = request.journal.load();
  return new Map(state?.partSize === request.stream.partSize ? state.parts.map((note) => [note.number, note]) : []);
}

async function begin(place: DirectoryPlace, path: string, request: PutRequest): Promise<Begun> {
  const state = request.journal.load();
  if (state !== null) {
    const temporary = temporaryPath(path, state.token);
    if (state.partSize === request.stream.partSize) {
      try {
        await chmod(temporary, 0o600); // it may have been made read-only just before the crash
        const file = await open(temporary, constants.O_RDWR | constants.O_NOFOLLOW);
        return { file, token: state.token, known: notesOf(request) };
      } catch (error) {
        if (systemCode(error) !== "ENOENT") throw error;
      }
    }
    await rm(temporary, { force: true });
    request.journal.reset();
  }
  const token = newToken(place.random);
  request.journal.begin({ token, partSize: request.stream.partSize });
  return { file: await open(temporaryPath(path, token), "wx+", 0o600), token, known: new Map() };
}

async function writeParts(begun: Begun, request: PutRequest, signal: AbortSignal): Promise<Taken> {
  const { partSize } = request.stream;
  let scratch: Scratch | null = null;
  return takeParts(request, begun.known, signal, async (part, offset) => {
    if (begun.known.has(part.number)) {
      // The journal says that it was written; only what the file gives back counts.
      scratch ??= scratchOf(partSize);
      if ((await digestRegion(begun.file, scratch, offset, part.bytes.length)) === part.sha256) return;
    }
    for (let written = 0; written < part.bytes.length; ) {
      const { bytesWritten } = await begun.file.write(part.bytes, written, part.bytes.length - written, offset + written);
      written += bytesWritten;
    }
    const { number, sha256, rawFrom, rawTo, frames } = part;
    // Not flushed part by part: resume re-reads and compares, and the whole is flushed before it becomes visible.
    request.journal.part({ number, bytes: part.bytes.length, sha256, tag: "", rawFrom, rawTo, frames });
  });
}

/** The key is taken: the same bytes are a success, others are not touched and not accepted. */
async function compareWith(path: string, request: PutRequest, known: ReadonlyMap<number, PartNote>, signal: AbortSignal): Promise<Taken> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const scratch = scratchOf(request.stream.partSize);
  let same = true;
  const taken = await takeParts(request, known, signal, async (part, offset) => {
    same &&= (await digestRegion(file, scratch, offset, part.bytes.length)) === part.sha256;
    if (!same) throw objectExists(request.key);
  });
  if ((await file.stat()).size !== taken.bytes) throw objectExists(request.key);
  return taken;
}

async function sameAs(path: string, key: string, taken: Taken, partSize: number): Promise<void> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  if ((await file.stat()).size !== taken.bytes) throw objectExists(key);
  const scratch = scratchOf(partSize);
  for (const [index, sha256] of taken.parts.entries()) {
    const offset = index * partSize;
    if ((await digestRegion(file, scratch, offset, Math.min(partSize, taken.bytes - offset))) !== sha256) throw objectExists(key);
  }
}

function objectExists(key: string): HoldfastError {
  return new HoldfastError("object-exists", `${printable(key)}: another object already has this key; nothing was overwritten`);
}

/** Takes every part once, in order, and gives each back; ends only if the stream ended as promised. */
async function takeParts(
  request: PutRequest,
  known: ReadonlyMap<number, PartNote>,
  signal: AbortSignal,
  take: (part: Part, offset: number) => Promise<void>,
): Promise<Taken> {
  const { stream, key } = request;
  const parts: Sha256[] = [];
  let bytes = 0;
  let ended = false;
  for await (const part of stream.parts) {
    try {
      signal.throwIfAborted();
      if (ended || part.number !== parts.length + 1 || (!part.last && part.bytes.length !== stream.partSize))
        throw new HoldfastError("unexpected", `${printable(key)}: part ${part.number} does not follow part ${parts.length}`);
      const note = known.get(part.number);
      if (note !== undefined && (note.sha256 !== part.sha256 || note.bytes !== part.bytes.length))
        throw new HoldfastError(
          "source-changed",
          `${printable(key)}: the source differs from what was read before, somewhere in its bytes ${part.rawFrom} to ${part.rawTo}; start it again as a new exhibit`,
        );
      await take(part, bytes);
      parts.push(part.sha256);
      bytes += part.bytes.length;
      ended = part.last;
    } finally {
      part.release();
    }
    request.progress?.(bytes);
  }
  signal.throwIfAborted();
  if (parts.length === 0) parts.push(parseSha256(hash("sha256", new Uint8Array(0))));
  else if (!ended) throw new HoldfastError("unexpected", `${printable(key)}: the stream ended without its last part`);
  if (known.size > parts.length)
    throw new HoldfastError(
      "source-changed",
      `${printable(key)}: the source ended ${known.size - parts.length} parts before what was read before; start it again as a new exhibit`,
    );
  await stream.digest(); // rejects if the stream was cut short: such bytes never become visible
  return { bytes, parts };
}
