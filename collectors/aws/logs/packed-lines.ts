import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** Lines that are needed again later, packed: there may be millions. */
export type PackedLines = {
  add(line: string): void;
  /** Of the unpacked lines with their line feeds. */
  readonly size: number;
  bytes(): AsyncGenerator<Uint8Array>;
  /** May be read more than once, and while nothing is added. */
  lines(): AsyncGenerator<string>;
};

const chunkLength = 1 << 18;

/** Lines must not hold a line feed. */
export function packedLines(): PackedLines {
  const packed: Buffer[] = [];
  let open: string[] = [];
  let openLength = 0;
  let size = 0;
  function* chunks(): Generator<Buffer> {
    for (const chunk of packed) yield zstdDecompressSync(chunk);
    if (open.length > 0) yield Buffer.from(open.join(""));
  }
  return {
    add(line) {
      const text = `${line}\n`;
      const length = Buffer.byteLength(text);
      open.push(text);
      openLength += length;
      size += length;
      if (openLength < chunkLength) return;
      packed.push(zstdCompressSync(open.join("")));
      open = [];
      openLength = 0;
    },
    get size() {
      return size;
    },
    async *bytes() {
      yield* chunks();
    },
    async *lines() {
      for (const chunk of chunks()) yield* chunk.toString("utf8").split("\n").slice(0, -1);
    },
  };
}
