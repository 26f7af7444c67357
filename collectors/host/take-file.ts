import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat, readlink } from "node:fs/promises";
import { describeError, systemCode } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { TarEntry, TarMember } from "../../src/stream/tar.ts";
import { type FileItem, kernelFileLimit } from "./item.ts";
import { type ManifestLine, pathFields, statFields } from "./manifest.ts";
import type { Names } from "./names.ts";
import { onPlace, type Place, staysInside } from "./place.ts";
import { explain, openQuietly, readPiece, readWhole, typeOf } from "./read-file.ts";

export type TakeContext = { readonly place: Place; readonly names: Names; readonly signal: AbortSignal };

type Lines = { add(line: ManifestLine): void };

/**
 * Takes one file: at most one archive entry, exactly one manifest line. Whatever the file does meanwhile (vanish, shrink, grow,
 * turn into something else) ends in that line and never in an exception; only `signal` interrupts.
 */
export async function* takeFile(item: FileItem, context: TakeContext, lines: Lines): AsyncGenerator<TarEntry> {
  const { place, names } = context;
  const path = onPlace(place, item.path);
  const kernel = item.read === "kernel";
  const head = { ...pathFields(item.path), source: `file:${printable(item.path)}` };
  const without = (type: string, error: unknown, stat: BigIntStats | null): void => {
    lines.add({
      ...head,
      member: null,
      type,
      size: "0",
      sha256: null,
      ...(stat === null ? {} : statFields(stat, names.user(stat.uid))),
      ...explain(error, { absent: item.absent, kernel }),
    });
  };

  let stat: BigIntStats;
  try {
    if (!(await staysInside(place, item.path))) {
      lines.add({
        ...head,
        member: null,
        type: "unknown",
        size: "0",
        sha256: null,
        outcome: "unavailable",
        reason: "a link on its way leads out of the collected tree",
      });
      return;
    }
    stat = await lstat(path, { bigint: true });
  } catch (error) {
    return without("unknown", error, null);
  }
  const fields = statFields(stat, names.user(stat.uid));
  const type = typeOf(stat);
  if (type === "link" && !item.follow) {
    yield* takeLink(item, path, stat, context, { ...head, ...fields }, lines, without);
    return;
  }
  const device = type === "character-device" && item.path.equals(Buffer.from("/dev/kmsg"));
  if (type !== "file" && !item.follow && !device) {
    const reason =
      type === "pipe" ? "a named pipe: reading would take its bytes from whoever they are meant for" : `a ${type}, not a file: it has no bytes of its own`;
    lines.add({ ...head, ...fields, member: null, type, size: "0", sha256: null, outcome: item.special, reason });
    return;
  }

  if (kernel && (Number(stat.mode) & 0o444) === 0) {
    // sysctl's own switches: writing does something, reading is refused to root too.
    lines.add({ ...head, ...fields, member: null, type, size: "0", sha256: null, outcome: "no-value", reason: "the kernel lets nobody read it (write-only)" });
    return;
  }
  let handle: FileHandle;
  let opened: BigIntStats;
  try {
    handle = await openQuietly(path, { follow: item.follow, kernel });
  } catch (error) {
    return without(type, error, stat);
  }
  try {
    try {
      opened = await handle.stat({ bigint: true });
    } catch (error) {
      return without(type, error, stat);
    }
    if (!opened.isFile() && !device) {
      lines.add({
        ...head,
        ...fields,
        member: null,
        type: typeOf(opened),
        size: "0",
        sha256: null,
        outcome: "unavailable",
        reason: "it was replaced by something else while being opened",
      });
      return;
    }
    const base = { ...head, ...statFields(opened, names.user(opened.uid)), type };
    const member = memberOf(item, opened, names);
    if (kernel) yield* takeKernelFile(handle, member, base, context, lines, (error) => without(type, error, stat));
    else yield* takeStoredFile(handle, member, opened, base, context, lines, (error) => without(type, error, stat));
  } finally {
    await handle.close();
  }
}

async function* takeLink(
  item: FileItem,
  path: Buffer,
  stat: BigIntStats,
  context: TakeContext,
  base: Pick<ManifestLine, "path" | "source">,
  lines: Lines,
  without: (type: string, error: unknown, stat: BigIntStats) => void,
): AsyncGenerator<TarEntry> {
  let target: Buffer;
  try {
    target = await readlink(path, { encoding: "buffer" });
  } catch (error) {
    return without("link", error, stat);
  }
  const member = { ...memberOf(item, stat, context.names), type: "link" as const, size: 0, linkTarget: target };
  yield { member, bytes: null };
  lines.add({ ...base, member: printable(member.path), type: "link", size: "0", sha256: null, link: printable(target), outcome: "recorded", reason: null });
}

async function* takeKernelFile(
  handle: FileHandle,
  member: TarMember,
  base: Pick<ManifestLine, "path" | "source" | "type">,
  context: TakeContext,
  lines: Lines,
  without: (error: unknown) => void,
): AsyncGenerator<TarEntry> {
  let got: { readonly bytes: Buffer; readonly cut: boolean };
  try {
    got = await readWhole(handle, kernelFileLimit, context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    return without(error);
  }
  const { bytes, cut } = got;
  yield { member: { ...member, size: bytes.length }, bytes: only(bytes) };
  lines.add({
    ...base,
    member: printable(member.path),
    size: String(bytes.length),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    outcome: cut ? "truncated" : bytes.length === 0 ? "empty" : "collected",
    reason: cut ? `longer than the ${kernelFileLimit} bytes that are read of a kernel file` : null,
  });
}

async function* takeStoredFile(
  handle: FileHandle,
  member: TarMember,
  opened: BigIntStats,
  base: Pick<ManifestLine, "path" | "source" | "type">,
  context: TakeContext,
  lines: Lines,
  without: (error: unknown) => void,
): AsyncGenerator<TarEntry> {
  const size = Number(opened.size);
  let first: Buffer;
  try {
    first = await readPiece(handle, 0, size);
  } catch (error) {
    return without(error);
  }
  const hash = createHash("sha256");
  let real = 0;
  let broke: string | null = null;

  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (let next = first; next.length > 0; ) {
      hash.update(next);
      real += next.length;
      yield next;
      if (real === size) return;
      context.signal.throwIfAborted();
      try {
        next = await readPiece(handle, real, size - real);
      } catch (error) {
        broke = systemCode(error) ?? printable(describeError(error));
        break;
      }
    }
    // The header has promised `size` bytes already. The manifest says that these are not evidence.
    for (let rest = size - real; rest > 0; rest -= Math.min(rest, 1 << 18)) {
      context.signal.throwIfAborted();
      yield Buffer.alloc(Math.min(rest, 1 << 18));
    }
  }
  yield { member, bytes: bytes() };

  const after = await handle.stat({ bigint: true });
  const short = real < size;
  const reason = short
    ? `${real} of ${size} bytes: ${broke === null ? "it became shorter while being read" : `reading broke off (${broke})`}; the rest of the member is zeros`
    : after.size > opened.size
      ? `grew to ${after.size} bytes while being read; taken to its length at opening`
      : after.mtimeNs !== opened.mtimeNs || after.ctimeNs !== opened.ctimeNs
        ? "changed while being read"
        : null;
  lines.add({
    ...base,
    member: printable(member.path),
    size: String(real),
    ...(short ? { paddedTo: String(size) } : {}),
    sha256: hash.digest("hex"),
    outcome: short ? "truncated" : size === 0 ? "empty" : "collected",
    reason,
  });
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
