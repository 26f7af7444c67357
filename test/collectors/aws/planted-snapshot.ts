import { createHash } from "node:crypto";
import { type EbsAccounts, openEbsAccounts } from "../../../collectors/aws/disk-image/ebs-account.ts";
import type { EbsBlocks, Got, ListFrom, No, Page } from "../../../collectors/aws/disk-image/ebs-blocks.ts";
import type { SnapshotFacts } from "../../../collectors/aws/disk-image/disk-image.ts";
import { noise } from "../../stream/sources.ts";

const blockBytes = 512 * 1024;

export const facts: SnapshotFacts = { id: "snap-0123456789abcdef0", state: "completed", volumeGiB: 1, startTime: new Date("2026-11-24T06:00:00Z") };

/** A snapshot in memory, as EBS direct shows it: no part of what it does is taken from the collector. */
export type Planted = {
  readonly blocks: EbsBlocks;
  /** Indices of the blocks asked for, in order, and where lists began. */
  readonly got: number[];
  readonly listed: ListFrom[];
  /** All tokens given so far are no longer taken. */
  expire(what: "blocks" | "pages"): void;
  /** SHA-256 of the volume, in hex. */
  digest(): string;
  bytesOf(index: number): Buffer;
};

export type Misdeeds = {
  /** Length of the pages, over and over. */
  readonly pages?: readonly number[];
  readonly list?: (from: ListFrom, page: Page) => Page | No;
  readonly get?: (index: number, got: Got, time: number) => Got | No;
};

export function plant(written: readonly number[], misdeeds: Misdeeds = {}): Planted {
  const got: number[] = [];
  const listed: ListFrom[] = [];
  const sizes = misdeeds.pages ?? [10_000];
  let lists = 0;
  let oldest = { blocks: 0, pages: 0 };
  const bytesOf = (index: number): Buffer => noise(blockBytes, index + 1);
  const times = new Map<number, number>();
  const blocks: EbsBlocks = {
    async list(from) {
      await pause();
      listed.push(from);
      const [born, start] = from.kind === "index" ? [lists, written.findIndex((index) => index >= from.index)] : from.token.split("-").map(Number);
      if (born === undefined || start === undefined || born < oldest.pages) return { kind: "invalid", text: "INVALID_PAGE_TOKEN" };
      const length = sizes[lists % sizes.length] ?? 0;
      const now = lists++;
      const end = start < 0 ? written.length : Math.min(written.length, start + length);
      const page = start < 0 ? [] : written.slice(start, end).map((index) => ({ index, token: `${now}-${index}` }));
      const answer: Page = { kind: "page", blocks: page, nextToken: end < written.length ? `${now}-${end}` : null, volumeGiB: 1, blockSize: blockBytes };
      return misdeeds.list?.(from, answer) ?? answer;
    },
    async get({ index, token }, room, signal) {
      await pause();
      signal.throwIfAborted();
      got.push(index);
      const [born, of] = token.split("-").map(Number);
      if (of !== index || born === undefined || born < oldest.blocks) return { kind: "invalid", text: "INVALID_BLOCK_TOKEN" };
      const bytes = room();
      bytes.set(bytesOf(index));
      const time = (times.get(index) ?? 0) + 1;
      times.set(index, time);
      const answer: Got = {
        kind: "block",
        bytes,
        length: bytes.length,
        checksum: createHash("sha256").update(bytes).digest("base64"),
        algorithm: "SHA256",
      };
      return misdeeds.get?.(index, answer, time) ?? answer;
    },
  };
  return {
    blocks,
    got,
    listed,
    bytesOf,
    expire: (what) => {
      oldest = { ...oldest, [what]: lists };
    },
    digest() {
      const hash = createHash("sha256");
      const zeros = Buffer.alloc(blockBytes);
      const known = new Set(written);
      for (let index = 0; index < 2048; index += 1) hash.update(known.has(index) ? bytesOf(index) : zeros);
      return hash.digest("hex");
    },
  };
}

/** Answers come in another order than they were asked for. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
}

/** Budgets on a clock that runs as fast as it is slept on. */
export function quickAccounts(): EbsAccounts {
  let now = 0;
  return openEbsAccounts({
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    random: (n) => new Uint8Array(n).fill(128),
  });
}
