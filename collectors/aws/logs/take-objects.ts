import { createHash, type Hash } from "node:crypto";
import { describeError, HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { ahead } from "./ahead.ts";
import { calledAs } from "./answer-entry.ts";
import type { Answer, Output } from "../client/link.ts";
import type { ListedObject } from "./list-objects.ts";
import { objectMember } from "./log-names.ts";
import type { LogReading } from "./log-reading.ts";
import { refusedLine } from "./lack-line.ts";
import { openObject, type OpenedObject } from "../client/objects.ts";

export type TakeOptions = {
  /** Told of every object that was taken whole, with the head of its answer; what it gives follows in the archive. */
  readonly taken?: (object: ListedObject, head: Output<"s3:GetObject">) => Iterable<TarEntry>;
  /** Reads along. */
  readonly along?: (object: ListedObject, bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
};

type Opening = { readonly object: ListedObject; readonly head: Answer<Output<"s3:HeadObject">>; readonly got: Answer<OpenedObject> };

/** Small objects by the thousand: several answers wait in their connections while one is read. */
const width = 8;

/** Takes objects as they are, each a member under its bucket and key. What is denied, gone or changes meanwhile is a line of the manifest. */
export async function* takeObjects(
  { aws, lines, signal }: LogReading,
  objects: AsyncIterable<ListedObject>,
  { taken, along }: TakeOptions = {},
): AsyncGenerator<TarEntry> {
  for await (const { object, head, got } of ahead(objects, width, open, drop)) {
    const path = `s3://${object.bucket}/${object.key}`;
    if (got.kind === "refused") {
      const gone = /^NoSuch(Key|Version|Bucket)$/.test(got.code) ? `it was listed and is not there any more: deleted meanwhile; ` : "";
      const line = refusedLine(path, got);
      lines.add({ ...line, reason: `${gone}${line.reason}` });
      continue;
    }
    const { head: answer, bytes } = got.value;
    const size = answer.ContentLength;
    if (size === undefined) throw new HoldfastError("unexpected", `${printable(path)}: S3 answered without a length`);
    const member = objectMember(object.bucket, object.key, object.older);
    const told: ManifestLine = { ...notes(object, answer, head), ...calledAs(got), path: printable(path), member: printable(member) };
    let whole = false;
    const read = along === undefined ? bytes : along(object, bytes);
    yield {
      member: { ...plain, path: Buffer.from(member), size, mtimeNs: BigInt(answer.LastModified?.getTime() ?? 0) * 1_000_000n },
      bytes: noted(read, size, told),
    };
    if (whole && taken !== undefined) yield* taken(object, answer);

    async function* noted(source: AsyncIterable<Uint8Array>, length: number, line: ManifestLine): AsyncGenerator<Uint8Array> {
      const hash = createHash("sha256");
      let read = 0;
      try {
        for await (const chunk of source) {
          hash.update(chunk);
          read += chunk.length;
          yield chunk;
        }
        whole = true;
      } catch (error) {
        // The archive has promised its length: zeros stand for the rest, and are said to.
        if (signal.aborted || !(error instanceof HoldfastError && error.code === "source-changed")) throw error;
        yield* zeros(length - read);
        lines.add({ ...line, size: String(read), paddedTo: String(length), sha256: hex(hash), outcome: "truncated", reason: describeError(error) });
        return;
      }
      lines.add({ ...line, size: String(read), sha256: hex(hash) });
    }
  }

  async function open(object: ListedObject): Promise<Opening> {
    const at = { Bucket: object.bucket, Key: object.key, ...(object.older === null ? {} : { VersionId: object.older }) };
    const [head, got] = await Promise.all([
      aws.link.ask("source", null, "s3:HeadObject", { ...at, ChecksumMode: "ENABLED" }, signal),
      openObject(aws.link, "source", null, at, signal),
    ]);
    return { object, head, got };
  }
}

const plain = { type: "file", mode: 0o444, uid: 0, gid: 0, owner: "root", group: "root", linkTarget: null } as const;

function drop({ got }: Opening): void {
  if (got.kind === "refused") return;
  const { Body: body } = got.value.head;
  if (typeof body === "object" && body !== null && "destroy" in body && typeof body.destroy === "function") body.destroy();
}

function notes(object: ListedObject, answer: Output<"s3:GetObject">, head: Answer<Output<"s3:HeadObject">>): Omit<ManifestLine, "path" | "member"> {
  const { ETag: etag, VersionId: version, LastModified: modified } = answer;
  // Asked beside it: only of the same object does it say anything.
  const checksum = head.kind === "answer" && head.value.ETag === etag && head.value.VersionId === version ? checksumOf(head.value) : null;
  return {
    type: "object",
    source: "api:s3:GetObject",
    size: "0",
    sha256: null,
    ...(modified === undefined ? {} : { mtime: modified.toISOString() }),
    ...(etag === undefined ? {} : { etag: printable(etag) }),
    ...(version === undefined ? {} : { version: printable(version) }),
    ...(checksum === null ? {} : { checksum }),
    outcome: answer.ContentLength === 0 ? "empty" : "collected",
    reason: object.older === null ? null : "an older version: it was replaced or deleted later",
  };
}

function checksumOf(head: Output<"s3:HeadObject">): string | null {
  const kinds = ["SHA256", "SHA1", "CRC64NVME", "CRC32C", "CRC32"] as const;
  const kind = kinds.find((one) => head[`Checksum${one}`] !== undefined);
  if (kind === undefined) return null;
  return printable(`${kind.toLowerCase()} ${head[`Checksum${kind}`]}${head.ChecksumType === "COMPOSITE" ? " composite" : ""}`);
}

function hex(hash: Hash): string {
  return hash.digest("hex");
}

function* zeros(length: number): Generator<Uint8Array> {
  const block = Buffer.alloc(64 * 1024);
  for (let left = length; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}
