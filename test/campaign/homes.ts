import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { ActDraft } from "../../src/core/act.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import { type AnchorPolicy, anchorNames, noAnchors } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { draft, forever, open, opening, ORIGIN, pathsIn } from "../ledger/support.ts";
import type { Seeded } from "./seeded.ts";

/**
 * A home as it lies on a disk that was taken: ledger, head, keys. `old` are its files as they were at least two commits before the
 * end: one commit before is what a crash between commit and swap leaves, and no tampering.
 */
export type CampaignHome = {
  readonly dir: string;
  readonly paths: LedgerPaths;
  readonly old: LedgerPaths | null;
  readonly oldSize: number;
  readonly size: number;
  /** Sizes of the heads that were signed, in order. */
  readonly commits: readonly number[];
  /** Taken while the writer was open: the newest commits stand in the WAL alone. */
  readonly wal: boolean;
  readonly policy: AnchorPolicy;
  remove(): void;
};

export type HomeWish = {
  readonly size: number;
  readonly wal: boolean;
  /** Has the head vouched for twice, before the last commits. */
  readonly anchors: ((paths: LedgerPaths) => Promise<AnchorPolicy>) | null;
};

const digest = parseSha256("ab".repeat(32));
const MAX_COMMITS = 12;

export async function buildHome(random: Seeded, wish: HomeWish): Promise<CampaignHome> {
  const base = mkdtempSync(join(tmpdir(), "holdfast-campaign-"));
  const live = pathsIn(join(base, "live"));
  createLedger(live, ORIGIN, random.bytes, () => new Date());
  const policy = (await wish.anchors?.(live)) ?? noAnchors;
  const recorder = await open(live, { random: random.bytes });
  const acts = actsOf(random, wish.size);
  const commits = cuts(random, acts.length);
  const anchored = commits.slice(0, -2);
  let done = 0;
  let old: { readonly paths: LedgerPaths; readonly size: number } | null = null;
  for (const [i, size] of commits.entries()) {
    await recorder.append(acts.slice(done, size));
    done = size;
    if (wish.anchors !== null && (i === 0 || i === anchored.length - 1))
      await anchorNow(live, policy, anchorNames(policy), { fetch, clock: () => new Date(), random: random.bytes }, forever);
    if (i === commits.length - 3) old = { paths: copyHome(live, join(base, "old")), size };
  }
  const dir = join(base, "home");
  if (wish.wal) copyHome(live, dir);
  await recorder.close();
  if (!wish.wal) copyHome(live, dir);
  return {
    dir,
    paths: pathsIn(dir),
    old: old?.paths ?? null,
    oldSize: old?.size ?? 0,
    size: acts.length,
    commits,
    wal: wish.wal && existsSync(`${pathsIn(dir).ledger}-wal`) && statSync(`${pathsIn(dir).ledger}-wal`).size < 3_000_000,
    policy,
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Databases with their WAL, never the -shm: that is what a copy made by hand has. */
export function copyHome(from: LedgerPaths, dir: string): LedgerPaths {
  mkdirSync(dir, { recursive: true });
  const to = pathsIn(dir);
  copyDatabaseFiles(from.ledger, to.ledger);
  copyDatabaseFiles(from.head, to.head);
  cpSync(from.keys, to.keys, { recursive: true });
  return to;
}

/** Puts one database in the place of another, and leaves nothing of that one. */
export function copyDatabaseFiles(from: string, to: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(`${to}${part}`, { force: true });
  for (const part of ["", "-wal"]) if (existsSync(`${from}${part}`)) copyFileSync(`${from}${part}`, `${to}${part}`);
  if (!existsSync(to)) throw new Error(`${basename(to)} was not copied`);
}

/** A ledger as work leaves it: cases, collections with leases and exhibits, chains of acts about them, notes. */
function actsOf(random: Seeded, size: number): readonly ActDraft[] {
  const acts: ActDraft[] = [];
  const exhibits: string[] = [];
  const cases: { readonly id: string; exhibits: number }[] = [];
  while (acts.length < size) {
    const kind = random.int(10);
    const of = cases.length === 0 ? null : random.pick(cases);
    if (of === null || (kind === 0 && cases.length < 20)) {
      const id = `CASE-${cases.length}`;
      cases.push({ id, exhibits: 0 });
      acts.push(opening(id));
    } else if (kind < 3) {
      const collection = `collection-${acts.length}`;
      const reserve = 1 + random.int(3);
      acts.push(draft("started", { case: of.id, collection, once: `${collection}/started`, reserve, lease: 1 + random.int(5) }));
      for (let i = 0; i < reserve; i += 1) {
        of.exhibits += 1;
        exhibits.push(`${of.id}/${String(of.exhibits).padStart(3, "0")}`);
      }
      acts.push(draft("finished", { case: of.id, collection }));
    } else if (kind < 7 && exhibits.length > 0) {
      const id = random.pick(exhibits);
      const more = random.int(2) === 0 ? { digests: { [id]: { sha256: digest, bytes: String(random.int(2 ** 40)) } } } : {};
      acts.push(draft(random.pick(["collected", "sealed", "accessed", "verified"]), { exhibits: [id], ...more }));
    } else
      acts.push(
        draft("note", { reason: random.pick(["looked through", "gefunden: nichts", "Zürich, 3 Geräte", '\u{1f4be} "disk"']), detail: { n: acts.length } }),
      );
  }
  return acts.slice(0, size);
}

/** Where commits end: few or many, the last three of their own wherever there are so many acts. */
function cuts(random: Seeded, size: number): readonly number[] {
  const ends = new Set([size]);
  for (const near of [1, 2]) if (size > near) ends.add(size - near);
  for (let i = random.int(MAX_COMMITS); i > 0; i -= 1) ends.add(1 + random.int(size));
  return [...ends].sort((a, b) => a - b);
}
