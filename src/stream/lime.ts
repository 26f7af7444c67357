/** Physical addresses, both inclusive, as LiME and /proc/iomem write them. */
export type PhysicalRange = { readonly start: bigint; readonly end: bigint };

export type LimeFindings = {
  readonly records: readonly PhysicalRange[];
  /** Bytes of memory in whole records (raw, before compression). */
  readonly bytes: bigint;
  /** Everything that a whole image would not have; each names its place. */
  readonly problems: readonly string[];
};

/**
 * Follows a memory image record by record while it passes. Blocks that are all zero are left out of an image, so that its size
 * says nothing: only a walk to the end of the last record tells a whole image from a cut one.
 * LiME: 32 bytes little-endian (magic, version, start, end, 0), then the bytes. AVML version 2: the same header, snappy frames
 * (snappy framing format, §4), then the number of their bytes as u64.
 */
export type LimeWalker = { push(bytes: Uint8Array): void; end(ram: readonly PhysicalRange[] | null): LimeFindings };

type Phase = "header" | "raw" | "frame" | "block" | "frame-rest" | "trailer" | "lost";

export function limeWalker(): LimeWalker {
  const records: PhysicalRange[] = [];
  const problems: string[] = [];
  let phase: Phase = "header";
  let need = 32;
  let held = Buffer.alloc(0);
  let skip = 0n;
  let position = 0n;
  let whole = 0n;
  let range: PhysicalRange = { start: 0n, end: -1n };
  let unpacked = 0n;
  let packed = 0n;
  let frameLength = 0;

  function push(bytes: Uint8Array): void {
    let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (rest.length > 0) {
      if (phase === "lost") return;
      if (phase === "raw" || phase === "frame-rest") {
        const step = skip < BigInt(rest.length) ? Number(skip) : rest.length;
        skip -= BigInt(step);
        advance(step);
        rest = rest.subarray(step);
      } else {
        const step = Math.min(need - held.length, rest.length);
        held = Buffer.concat([held, rest.subarray(0, step)]);
        advance(step);
        rest = rest.subarray(step);
        if (held.length === need) take();
      }
      settle();
    }
  }

  function advance(step: number): void {
    position += BigInt(step);
    if (phase === "frame" || phase === "block" || phase === "frame-rest") packed += BigInt(step);
  }

  /** A run of bytes to skip has ended, or had no length. */
  function settle(): void {
    if (skip > 0n) return;
    if (phase === "raw") finishRecord();
    else if (phase === "frame-rest") {
      if (unpacked === range.end - range.start + 1n) expect("trailer", 8);
      else if (unpacked > range.end - range.start + 1n) lose("a record unpacks to more than its header says");
      else expect("frame", 4);
    }
  }

  function take(): void {
    const bytes = held;
    held = Buffer.alloc(0);
    if (phase === "header") takeHeader(bytes);
    else if (phase === "frame") takeFrame(bytes);
    else if (phase === "block") takeBlock(bytes);
    else if (bytes.readBigUInt64LE() !== packed) lose(`a record of ${packed} packed bytes says it has ${bytes.readBigUInt64LE()}`);
    else finishRecord();
  }

  function takeHeader(bytes: Buffer): void {
    const magic = bytes.subarray(0, 4).toString("latin1");
    const version = bytes.readUInt32LE(4);
    range = { start: bytes.readBigUInt64LE(8), end: bytes.readBigUInt64LE(16) };
    if (!((magic === "EMiL" && version === 1) || (magic === "AVML" && version === 2))) lose("there is no record header");
    else if (range.end < range.start) lose("a record ends before it begins");
    else if (version === 1) {
      phase = "raw";
      skip = range.end - range.start + 1n;
    } else {
      unpacked = 0n;
      packed = 0n;
      expect("frame", 4);
    }
  }

  function takeFrame(bytes: Buffer): void {
    const type = bytes.readUInt8();
    frameLength = bytes.readUIntLE(1, 3);
    if (type === 0x00 && frameLength > 4) expect("block", Math.min(frameLength, 9));
    else if (type >= 0x80 || (type === 0x01 && frameLength >= 4)) {
      if (type === 0x01) unpacked += BigInt(frameLength - 4);
      phase = "frame-rest";
      skip = BigInt(frameLength);
    } else lose(`a packed frame of unknown type ${type}`);
  }

  /** Four bytes of checksum, then the unpacked length as a little-endian base-128 number. */
  function takeBlock(bytes: Buffer): void {
    let length = 0;
    let shift = 0;
    for (const byte of bytes.subarray(4)) {
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    unpacked += BigInt(length);
    phase = "frame-rest";
    skip = BigInt(frameLength - bytes.length);
  }

  function finishRecord(): void {
    records.push(range);
    whole += range.end - range.start + 1n;
    expect("header", 32);
  }

  function expect(next: Phase, bytes: number): void {
    phase = next;
    need = bytes;
    held = Buffer.alloc(0);
  }

  function lose(why: string): void {
    problems.push(`at byte ${position}: ${why}`);
    phase = "lost";
  }

  return {
    push,
    end(ram) {
      const cut = phase !== "lost" && !(phase === "header" && held.length === 0);
      const ends = cut ? [`it ends at byte ${position}, inside a record${phase === "header" ? "'s header" : ` of ${hex(range)}`}`] : [];
      return {
        records,
        bytes: whole,
        problems: [...problems, ...ends, ...strangers(records, ram), ...(records.length === 0 ? ["it has no whole record"] : [])],
      };
    },
  };
}

/** Records of addresses that are no RAM by the kernel's own map, and records that overlap. */
function strangers(records: readonly PhysicalRange[], ram: readonly PhysicalRange[] | null): readonly string[] {
  const outside = ram === null ? [] : records.filter((record) => !ram.some((range) => range.start <= record.start && record.end <= range.end));
  const sorted = [...records].sort((a, b) => (a.start < b.start ? -1 : 1));
  const overlapping = sorted.filter((record, index) => index > 0 && record.start <= (sorted[index - 1]?.end ?? -1n));
  return [
    ...outside.map((record) => `record ${hex(record)} is not within System RAM of /proc/iomem`),
    ...overlapping.map((record) => `record ${hex(record)} overlaps the one before it`),
  ];
}

/** Top-level `System RAM` lines. Null where the addresses are hidden (all zero without CAP_SYS_ADMIN). */
export function parseIomem(text: string): readonly PhysicalRange[] | null {
  const ranges = text.split("\n").flatMap((line) => {
    const match = /^([0-9a-f]+)-([0-9a-f]+) : System RAM$/.exec(line);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ start: BigInt(`0x${match[1]}`), end: BigInt(`0x${match[2]}`) }];
  });
  return ranges.length === 0 || ranges.every((range) => range.end === 0n) ? null : ranges;
}

function hex(range: PhysicalRange): string {
  return `${range.start.toString(16)}-${range.end.toString(16)}`;
}
