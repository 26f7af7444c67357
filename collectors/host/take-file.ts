import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { describeError, systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { TarEntry, TarMember } from "../../src/stream/tar.ts";
import { type FileItem, kernelFileLimit } from "./item.ts";
import { type Ending, lookAtFile } from "./look-at-file.ts";
import { type ManifestLine, pathFields } from "../../src/stream/archive-manifest.ts";
import { statFields } from "./stat-fields.ts";
import type { Names } from "./names.ts";
import type { Place } from "./place.ts";
import { explain, readPiece, readWhole } from "./read-file.ts";

type Context = { readonly place: Place; readonly names: Names; readonly signal: AbortSignal };
type Reading = { readonly handle: FileHandle; readonly stat: BigIntStats; readonly member: TarMember; readonly signal: AbortSignal };

const zeros = Buffer.alloc(1 << 18);

/**
 * Takes one file: at most one archive entry, exactly one manifest line. Whatever the file does meanwhile (vanish, shrink, grow,
 * turn into something else) ends in that line and never in an exception; only `signal` interrupts.
 */
export async function* takeFile(item: FileItem, { place, names, signal }: Context, lines: { add(line: ManifestLine): void }): AsyncGenerator<TarEntry> {
  const end = (line: Ending): void =>
    lines.add({ ...pathFields(item.path), source: `file:${printable(item.path)}`, member: null, size: "0", sha256: null, ...line });
  const look = await lookAtFile(item, place, names);
  if (look.kind === "none") {
    end(look.line);
    return;
  }
  const member = memberOf(item, look.stat, names);
  const about = { ...statFields(look.stat, names.user(look.stat.uid)), member: printable(member.path) };
  if (look.kind === "link") {
    yield { member: { ...member, type: "link", size: 0, linkTarget: look.target }, bytes: null };
    end({ ...about, type: "link", link: printable(look.target), outcome: "recorded", reason: null });
    return;
  }
  const { handle, stat, type } = look;
  try {
    const reading = { handle, stat, member, signal };
    const story = item.read === "kernel" ? takeKernelFile(reading) : takeStoredFile(reading);
    end({ ...about, type, ...(yield* story) });
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    end({ ...about, type, member: null, ...explain(error.cause, { absent: item.absent, kernel: item.read === "kernel" }) });
  } finally {
    await handle.close();
  }
}

type Story = AsyncGenerator<TarEntry, Omit<Ending, "type">>;

/** The first read failed: nothing of the file went into the archive yet, so that it needs no member there. */
class Unreadable extends Error {}

/** Kernel files say size 0: only reading tells how much there is, and the archive wants to know first. */
async function* takeKernelFile({ handle, member, signal }: Reading): Story {
  const { bytes, cut } = await orUnreadable(readWhole(handle, kernelFileLimit, signal), signal);
  yield { member: { ...member, size: bytes.length }, bytes: only(bytes) };
  return {
    size: String(bytes.length),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    outcome: cut ? "truncated" : bytes.length === 0 ? "empty" : "collected",
    reason: cut ? `longer than the ${kernelFileLimit} bytes that are read of a kernel file` : null,
  };
}

async function* takeStoredFile({ handle, stat, member, signal }: Reading): Story {
  const { size } = member;
  const first = await orUnreadable(readPiece(handle, 0, size), signal);
  const hash = createHash("sha256");
  let real = 0;
  let broke: string | null = null;

  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let next = first; next.length > 0; ) {
      hash.update(next);
      real += next.length;
      yield next;
      if (real === size) return;
      signal.throwIfAborted();
      try {
        next = await readPiece(handle, real, size - real);
      } catch (error) {
        broke = systemCode(error) ?? printable(describeError(error));
        break;
      }
    }
    // The header has promised `size` bytes already. The manifest says that these are no evidence.
    for (let rest = size - real; rest > 0; rest -= zeros.length) {
      signal.throwIfAborted();
      yield zeros.subarray(0, rest);
    }
  }
  yield { member, bytes: bytes() };

  const short = real < size;
  return {
    size: String(real),
    ...(short ? { paddedTo: String(size) } : {}),
    sha256: hash.digest("hex"),
    outcome: short ? "truncated" : size === 0 ? "empty" : "collected",
    reason: short
      ? `${real} of ${size} bytes: ${broke === null ? "it became shorter while being read" : `reading broke off (${broke})`}; the rest of the member is zeros`
      : changeOf(stat, await handle.stat({ bigint: true })),
  };
}

function changeOf(before: BigIntStats, after: BigIntStats): string | null {
  if (after.size > before.size) return `grew to ${after.size} bytes while being read; taken to its length at opening`;
  return after.mtimeNs !== before.mtimeNs || after.ctimeNs !== before.ctimeNs ? "changed while being read" : null;
}

async function orUnreadable<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await read;
  } catch (error) {
    signal.throwIfAborted();
    throw new Unreadable("unreadable", { cause: error });
  }
}

function memberOf(item: FileItem, stat: BigIntStats, names: Names): TarMember {
  return {
    path: item.member === null ? Buffer.concat([Buffer.from("root"), item.path]) : Buffer.from(item.member),
    type: "file",
    size: Number(stat.size),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    owner: names.user(stat.uid),
    group: names.group(stat.gid),
    mtimeNs: stat.mtimeNs,
    linkTarget: null,
  };
}

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
