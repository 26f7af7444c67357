import { HoldfastError } from "../../../src/core/error.ts";
import { type Block, blockBytes, type EbsBlocks, type ListFrom, type Page } from "./ebs-blocks.ts";
import type { EbsAccount } from "./ebs-account.ts";
import { ended } from "./ebs-ended.ts";

/** The written blocks of a snapshot in ascending order, listed as they are needed: two million of them are never in memory. */
export type BlockList = {
  /** Null at the end. Not to be called again before it has answered. */
  next(): Promise<Block | null>;
  /** A token for a block whose own is no longer taken. */
  renew(stale: Block): Promise<Block>;
};

export type ListedSnapshot = { readonly id: string; readonly volumeGiB: number };

export function blockList(snapshot: ListedSnapshot, blocks: EbsBlocks, account: EbsAccount, from: number, signal: AbortSignal): BlockList {
  const blockCount = (snapshot.volumeGiB * 2 ** 30) / blockBytes;
  let page: readonly Block[] = [];
  let at = 0;
  let last = from - 1;
  /** The last block that was listed; those up to it are in `page`. */
  let listed = from - 1;
  let rest: ListFrom | null = { kind: "index", index: from };
  let coming: Promise<Page> | null = null;
  let renewed: ReadonlyMap<number, string> = new Map();
  let renewing: Promise<void> = Promise.resolve();

  const wrong = (what: string): HoldfastError => new HoldfastError("unexpected", `${snapshot.id}: the service's list of blocks ${what}`);

  /** `behind`: the block after which it begins. A page token that has outlived its 60 minutes is replaced by that place. */
  async function ask(where: ListFrom, behind: number): Promise<Page> {
    for (let begin = where; ; ) {
      await account.lists.take(signal);
      const answer = await blocks.list(begin, signal);
      if (answer.kind === "page") {
        account.lists.succeeded();
        return checked(answer);
      }
      if (answer.kind === "throttled") account.lists.throttled();
      else if (answer.kind === "invalid" && begin.kind === "token") begin = { kind: "index", index: behind + 1 };
      else throw ended(snapshot.id, "listing its blocks", answer);
    }
  }

  function checked(answer: Page): Page {
    if (answer.blockSize !== null && answer.blockSize !== blockBytes) throw wrong(`speaks of blocks of ${answer.blockSize} bytes, not ${blockBytes}`);
    if (answer.volumeGiB !== null && answer.volumeGiB !== snapshot.volumeGiB)
      throw wrong(`says that the volume has ${answer.volumeGiB} GiB, and DescribeSnapshots ${snapshot.volumeGiB}`);
    return answer;
  }

  /** The next page is on its way while this one is being read. */
  function order(): void {
    if (rest === null) return;
    coming = ask(rest, listed);
    coming.catch(() => {}); // told to who asks for its blocks
  }

  async function turn(): Promise<boolean> {
    if (rest === null) return false;
    if (coming === null) order();
    const mine = coming;
    const answer = await mine;
    if (answer === null || coming !== mine) return true; // renew() began another
    coming = null;
    if (answer.nextToken !== null && rest?.kind === "token" && answer.nextToken === rest.token && answer.blocks.length === 0)
      throw wrong(`gives page token ${answer.nextToken.slice(0, 12)}… again and again, with nothing in it`);
    page = answer.blocks;
    at = 0;
    listed = page.at(-1)?.index ?? listed;
    rest = answer.nextToken === null ? null : { kind: "token", token: answer.nextToken };
    if (page.length > 0) order();
    return true;
  }

  async function relist(stale: Block): Promise<void> {
    if (renewed.get(stale.index) !== undefined && renewed.get(stale.index) !== stale.token) return;
    let answer = await ask({ kind: "index", index: stale.index }, stale.index - 1);
    while (answer.blocks.length === 0 && answer.nextToken !== null) answer = await ask({ kind: "token", token: answer.nextToken }, stale.index - 1);
    renewed = new Map(answer.blocks.map(({ index, token }) => [index, token]));
    if (at >= page.length && rest === null) return;
    // What is left of the page at hand is as old.
    page = [];
    at = 0;
    coming = null;
    listed = last;
    rest = { kind: "index", index: last + 1 };
  }

  return {
    async next() {
      while (at >= page.length) if (!(await turn())) return null;
      const block = page[at];
      at += 1;
      if (block === undefined) return null;
      if (block.index <= last) throw wrong(`names block ${block.index} after block ${last}: it has to ascend`);
      if (block.index >= blockCount) throw wrong(`names block ${block.index}, and a volume of ${snapshot.volumeGiB} GiB has ${blockCount}`);
      last = block.index;
      return block;
    },
    async renew(stale) {
      const mine = renewing.then(() => relist(stale));
      renewing = mine.catch(() => {});
      await mine;
      const token = renewed.get(stale.index);
      if (token === undefined) throw wrong(`named block ${stale.index} at first and no longer does`);
      return { index: stale.index, token };
    },
  };
}
