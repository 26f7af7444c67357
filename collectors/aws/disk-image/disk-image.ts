import type { Opened } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { RangeSource } from "../../../src/core/source.ts";
import { copyBytes } from "../../../src/stream/copy-bytes.ts";
import type { EbsAccount } from "./ebs-account.ts";
import { blockBytes, type EbsBlocks } from "./ebs-blocks.ts";
import { SnapshotRefused } from "./ebs-ended.ts";
import { blockFetcher } from "./ebs-fetch.ts";
import { blockList } from "./ebs-list.ts";
import { openBlockRooms } from "./ebs-rooms.ts";
import { type BlockWindow, blockWindow, type WindowWidth } from "./ebs-window.ts";

/** A snapshot as DescribeSnapshots says it. */
export type SnapshotFacts = {
  readonly id: string;
  /** `completed` is the only one that can be read. */
  readonly state: string;
  readonly volumeGiB: number;
  /** The moment that its content is of. */
  readonly startTime: Date;
};

/** Blocks that were asked for and are not read yet: 60 MiB. */
const roomCount = 120;
const ahead: WindowWidth = { least: 32, most: roomCount };

/**
 * Opens the raw image of a completed snapshot, through EBS direct. Its first block is asked for here, so that a missing right
 * (ebs:ListSnapshotBlocks, ebs:GetSnapshotBlock, kms:Decrypt) is the outcome `denied` and not a failure in the middle.
 */
export async function openSnapshotImage(snapshot: SnapshotFacts, blocks: EbsBlocks, account: EbsAccount, signal: AbortSignal): Promise<Opened> {
  if (snapshot.state !== "completed") {
    const advice = snapshot.state === "error" ? "AWS could not make it; take another" : "its blocks can be read once it is; collect it again then";
    return { kind: "none", outcome: "unavailable", detail: `snapshot ${snapshot.id} is ${snapshot.state}, not completed: ${advice}` };
  }
  const image = snapshotImage(snapshot, blocks, account);
  try {
    const first = await image.dataFrom(0, signal);
    if (first !== null) await image.read(new Uint8Array(1), first.offset, signal);
    return { kind: "source", source: image };
  } catch (error) {
    await image.close();
    if (error instanceof SnapshotRefused) return { kind: "none", outcome: error.outcome, detail: error.message };
    throw error;
  }
}

/** The volume as it was: written blocks are fetched ahead of the reading position, what was never written is zeros and never asked for. */
function snapshotImage(snapshot: SnapshotFacts, blocks: EbsBlocks, account: EbsAccount): RangeSource & Required<Pick<RangeSource, "dataFrom">> {
  const size = snapshot.volumeGiB * 2 ** 30;
  const rooms = openBlockRooms(roomCount);
  const obeyed = new WeakSet<AbortSignal>();
  let open: { readonly window: BlockWindow; readonly stop: AbortController; readonly start: number } | null = null;
  let line: Promise<unknown> = Promise.resolve();
  let closed = false;
  let written = 0;
  let counted = -1;

  /** Whoever reads may stop what is under way. */
  function obey(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (obeyed.has(signal)) return;
    obeyed.add(signal);
    signal.addEventListener("abort", () => open?.stop.abort(signal.reason), { once: true });
  }

  /** The window at this block: another one where the reading goes back, or was stopped. */
  function windowAt(index: number, signal: AbortSignal): BlockWindow {
    if (closed) throw new HoldfastError("unexpected", `${snapshot.id} was closed while it was read`);
    obey(signal);
    if (open === null || index < open.start || !open.window.reaches(index) || open.stop.signal.aborted) {
      open?.stop.abort(new HoldfastError("unexpected", `${snapshot.id} is read from block ${index} on`));
      open?.window.close();
      const stop = new AbortController();
      const list = blockList(snapshot, blocks, account, index, stop.signal);
      const fetch = blockFetcher(snapshot.id, blocks, account, list, rooms, stop.signal);
      open = { window: blockWindow(list, fetch, rooms, ahead), stop, start: index };
    }
    return open.window;
  }

  /** One after the other: the window has one reading position. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = line.then(work);
    line = mine.catch(() => {});
    return mine;
  }

  async function fill(into: Uint8Array, offset: number, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < into.length; ) {
      const index = Math.floor((offset + at) / blockBytes);
      const block = await windowAt(index, signal).from(index);
      const from = block === null ? into.length : Math.min(into.length, Math.max(at, block.index * blockBytes - offset));
      into.fill(0, at, from);
      at = from;
      if (block === null || at === into.length) continue;
      const bytes = await block.bytes;
      signal.throwIfAborted();
      const within = offset + at - block.index * blockBytes;
      const end = Math.min(blockBytes, within + into.length - at);
      copyBytes(bufferOf(bytes), within, end, bufferOf(into), at);
      at += end - within;
      if (block.index <= counted) continue;
      counted = block.index;
      written += 1;
    }
  }

  return {
    kind: "ranges",
    name: `${snapshot.id} (${snapshot.volumeGiB} GiB, ${snapshot.startTime.toISOString()})`,
    mediaType: "application/octet-stream",
    store: "image",
    size,
    stable: true,
    identity: `${size} ${snapshot.id} ${snapshot.startTime.toISOString()}`,
    holes: [],
    dataFrom: (offset, signal) =>
      inTurn(async () => {
        const index = Math.floor(offset / blockBytes);
        const block = await windowAt(index, signal).from(index);
        if (block === null) return null;
        const from = Math.max(offset, block.index * blockBytes);
        return { offset: from, length: (block.index + 1) * blockBytes - from };
      }),
    read: (into, offset, signal) =>
      inTurn(async () => {
        const wanted = Math.max(0, Math.min(into.length, size - offset));
        await fill(into.subarray(0, wanted), offset, signal);
        return wanted;
      }),
    report: () => ({
      outcome: "collected",
      detail: `${written} of ${size / blockBytes} blocks of 512 KiB were written and match the service's SHA-256; the others are zeros and were not asked for`,
      coverage: null,
      files: null,
      bad: [],
    }),
    async close() {
      closed = true;
      open?.stop.abort(new HoldfastError("unexpected", `${snapshot.id} was closed while it was read`));
      await rooms.close();
    },
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
