import { isUtf8 } from "node:buffer";
import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";

/** One member of a POSIX pax archive (IEEE Std 1003.1, pax, "pax Interchange Format"). */
export type TarMember = {
  /** Relative to where the archive is unpacked; any bytes but NUL. */
  readonly path: Uint8Array;
  readonly type: "file" | "link";
  /** Bytes of content, said before the content is read; 0 for a link. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly owner: string;
  readonly group: string;
  /** Nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly linkTarget: Uint8Array | null;
};

/** `bytes` is taken to its end before the next entry is asked for. */
export type TarEntry = { readonly member: TarMember; readonly bytes: AsyncIterable<Uint8Array> | null };

const block = 512;

/**
 * Writes an archive as it goes, in memory that does not depend on the size of anything. Rejects with `unexpected` where an
 * entry gives more or fewer bytes than its member promised: everything after such a member would be read wrongly.
 */
export async function* tarStream(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const { member, bytes } of entries) {
    yield tarHeader(member);
    let given = 0;
    for await (const piece of bytes ?? []) {
      given += piece.length;
      if (given > member.size) break;
      yield piece;
    }
    if (given !== member.size)
      throw new HoldfastError("unexpected", `archive member ${printable(member.path)} promised ${member.size} bytes and gave ${given}`);
    const rest = given % block;
    if (rest > 0) yield Buffer.alloc(block - rest);
  }
  yield Buffer.alloc(2 * block);
}

/** The header blocks of one member: an extended header where the old format cannot say it exactly, then the ustar block. */
export function tarHeader(member: TarMember): Buffer {
  const extended = extendedRecords(member);
  const main = ustarBlock(member);
  if (extended.length === 0) return main;
  const pad = Buffer.alloc((block - (extended.length % block)) % block);
  const own = ustarBlock({
    path: Buffer.from("PaxHeaders/member"),
    type: "extended",
    size: extended.length,
    mode: 0o644,
    uid: 0,
    gid: 0,
    owner: "",
    group: "",
    mtimeNs: 0n,
    linkTarget: null,
  });
  return Buffer.concat([own, extended, pad, main]);
}

function extendedRecords(member: TarMember): Buffer {
  const records: Buffer[] = [];
  const names: [string, Uint8Array][] = [];
  if (!fits(member.path, 100)) names.push(["path", member.path]);
  if (member.linkTarget !== null && !fits(member.linkTarget, 100)) names.push(["linkpath", member.linkTarget]);
  for (const [key, text] of [
    ["uname", member.owner],
    ["gname", member.group],
  ] as const)
    if (!fits(Buffer.from(text), 31)) names.push([key, Buffer.from(text)]);
  // The standard's own word for "these names are bytes, not UTF-8"; it must precede the names it speaks of.
  if (names.some(([, value]) => !isUtf8(value))) records.push(record("hdrcharset", Buffer.from("BINARY")));
  for (const [key, value] of names) records.push(record(key, value));
  if (member.size > 0o77777777777) records.push(record("size", Buffer.from(String(member.size))));
  for (const [key, id] of [
    ["uid", member.uid],
    ["gid", member.gid],
  ] as const)
    if (id > 0o7777777) records.push(record(key, Buffer.from(String(id))));
  if (member.mtimeNs % 1_000_000_000n !== 0n || !timeFits(member.mtimeNs)) records.push(record("mtime", Buffer.from(decimalTime(member.mtimeNs))));
  return Buffer.concat(records);
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits too. */
function record(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function ustarBlock(member: Omit<TarMember, "type"> & { readonly type: TarMember["type"] | "extended" }): Buffer {
  const header = Buffer.alloc(block);
  header.set(member.path.subarray(0, 100), 0);
  octal(header, 100, 8, member.mode & 0o7777);
  octal(header, 108, 8, member.uid > 0o7777777 ? 0 : member.uid);
  octal(header, 116, 8, member.gid > 0o7777777 ? 0 : member.gid);
  octal(header, 124, 12, member.size > 0o77777777777 ? 0 : member.size);
  octal(header, 136, 12, timeFits(member.mtimeNs) ? Number(member.mtimeNs / 1_000_000_000n) : 0);
  header.fill(0x20, 148, 156);
  header.write({ file: "0", link: "2", extended: "x" }[member.type], 156, "latin1");
  if (member.linkTarget !== null) header.set(member.linkTarget.subarray(0, 100), 157);
  header.write("ustar\x0000", 257, "latin1");
  header.set(Buffer.from(member.owner).subarray(0, 31), 265);
  header.set(Buffer.from(member.group).subarray(0, 31), 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\x00 `, 148, "latin1");
  return header;
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(value.toString(8).padStart(width - 1, "0"), at, "latin1");
}

function fits(name: Uint8Array, width: number): boolean {
  return name.length <= width && name.every((byte) => byte < 0x80);
}

function timeFits(ns: bigint): boolean {
  return ns >= 0n && ns / 1_000_000_000n <= 0o77777777777n;
}

function decimalTime(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = (size % 1_000_000_000n).toString().padStart(9, "0");
  return `${ns < 0n ? "-" : ""}${size / 1_000_000_000n}.${fraction}`;
}
