import { describeError, HoldfastError } from "../core/error.ts";
import { wholeSecond } from "../core/retention.ts";
import type { SweptRecord } from "../core/sweep-report.ts";
import type { Listed, Vault } from "../core/vault.ts";
import { parseDuration } from "../core/window.ts";
import { type RecordNeed, sweepRecord } from "../custody/sweep-record.ts";
import { mirrorObjects } from "../ledger/mirror/mirror-objects.ts";
import { MIRRORS } from "../ledger/mirror/mirror-names.ts";
import { RECORD_NAME } from "../ledger/read/exhibit-record.ts";
import { type DueRecord, dueRecords, writeExhibitRecords } from "./exhibit-records.ts";
import { longest } from "./mirroring.ts";
import { type Evidence, evidenceOf } from "./evidence-ends.ts";
import type { Services } from "./services.ts";

const SIDE_BY_SIDE = 8;
/** No mirror was ever written for less (mirroring.ts), but for what a clock was off. Milliseconds. */
const LEAST_MIRROR = 29 * 86_400_000;

type Sweep = {
  readonly services: Services;
  readonly evidence: Evidence;
  readonly dryRun: boolean;
  readonly each: (swept: SweptRecord) => void;
  readonly signal: AbortSignal;
};

/**
 * The mirror and the records beside the exhibits prove the evidence, and nobody else renews them: each has to outlive what it proves
 * (design.md, integrity rule 8). A vault that cannot be asked is told, and hides no other. Comes after the exhibits were swept.
 */
export async function sweepRecords(services: Services, dryRun: boolean, each: (swept: SweptRecord) => void, signal: AbortSignal): Promise<void> {
  const evidence = services.reader(evidenceOf);
  const sweep = { services, evidence, dryRun, each, signal };
  for (const caseId of evidence.cases) await sweepCase(sweep, caseId);
  if (services.config.anchors.worm !== null && evidence.latest !== null) await sweepMirror(sweep, services.config.anchors.worm, evidence.latest);
}

/** All objects of the mirror to one date, and some time beyond the evidence: else each renewal of an exhibit would move them all. */
async function sweepMirror(sweep: Sweep, name: string, latest: number): Promise<void> {
  const { services, signal } = sweep;
  const now = services.clock();
  const beyond = parseDuration(services.config.retention.renewBefore, "retention.renewBefore");
  const until = wholeSecond(new Date(latest));
  const renewTo = wholeSecond(new Date(Math.max(Date.parse(longest(services.config, now)), latest + beyond)));
  await inVault(sweep, name, MIRRORS, async (vault) => {
    const work: (() => Promise<SweptRecord>)[] = [];
    const size = services.reader((reader) => reader.size());
    for await (const { key, first, others } of mirrorObjects(vault, services.origin, size, signal)) {
      if (first === null) work.push(async () => absent(name, key, "the store's list does not have it, and the mirror's newest checkpoint needs it", "missing"));
      else
        work.push(async () => {
          const promised = first.modified === null ? null : wholeSecond(new Date(Date.parse(first.modified) + LEAST_MIRROR));
          const swept = await one(sweep, vault, first, { promised, until, renewTo });
          return others === 0 ? swept : { ...swept, text: [swept.text, `${others} later version(s) or delete marker(s) hide it`].filter(Boolean).join("; ") };
        });
      if (work.length === SIDE_BY_SIDE) await all(sweep, work.splice(0));
    }
    await all(sweep, work);
  });
}

async function sweepCase(sweep: Sweep, caseId: string): Promise<void> {
  const { services, signal, dryRun, each } = sweep;
  const held = "";
  const due = dueRecords(services, caseId, held);
  const names = new Set([...due.keys()].flatMap((name) => (name === held ? services.vaultNames() : [name])));
  const there = new Map<string, { readonly vault: Vault; readonly listed: Listed }>();
  const unasked: string[] = [];
  for (const name of names) {
    const asked = await inVault(sweep, name, `${caseId}/`, async (vault) => {
      for await (const listed of vault.list(`${caseId}/`, null, signal))
        if (listed.bytes !== null && listed.key.endsWith(`/${RECORD_NAME}`)) there.set(`${name} ${listed.key}`, { vault, listed });
    });
    if (!asked) unasked.push(name);
  }
  const lost: { readonly name: string; readonly key: string }[] = [];
  const work: (() => Promise<SweptRecord>)[] = [];
  for (const [name, records] of due)
    for (const record of records) {
      const places = (name === held ? services.vaultNames() : [name]).map((place) => there.get(`${place} ${record.key}`));
      const found = places.find((place) => place !== undefined);
      if (found !== undefined) work.push(async () => one(sweep, found.vault, found.listed, needOf(record)));
      else if (name === held ? unasked.length === 0 : !unasked.includes(name))
        lost.push({ name: name === held ? services.vaultConfig(null).name : name, key: record.key });
    }
  while (work.length > 0) await all(sweep, work.splice(0, SIDE_BY_SIDE));
  if (lost.length === 0) return;
  const order = { collection: "", case: caseId, vault: services.vaultConfig(null).name };
  const troubles = dryRun ? [] : await writeExhibitRecords(services, order, signal);
  const written = dryRun ? "" : troubles.length === 0 ? "; it was put there now" : `; ${troubles.join("; ")}`;
  for (const { name, key } of lost) each(absent(name, key, `the store's list has none, and no act says whether there ever was one${written}`, "unread"));
}

function needOf({ asked, first }: DueRecord): Omit<RecordNeed, "locks"> {
  return { promised: first, until: asked.retainUntil, renewTo: asked.retainUntil };
}

async function one({ services, evidence, dryRun, signal }: Sweep, vault: Vault, listed: Listed, need: Omit<RecordNeed, "locks">): Promise<SweptRecord> {
  return sweepRecord(vault, listed, { ...need, locks: !evidence.neverShown.has(vault.name) }, services.clock(), dryRun, signal);
}

/** All of them end before one may fail. */
async function all({ each }: Sweep, work: readonly (() => Promise<SweptRecord>)[]): Promise<void> {
  const ended = await Promise.allSettled(work.map((go) => go()));
  for (const end of ended) {
    if (end.status === "rejected") throw end.reason;
    each(end.value);
  }
}

/** False where the vault could not be asked, which is told once. */
async function inVault({ services, each, signal }: Sweep, name: string, key: string, work: (vault: Vault) => Promise<void>): Promise<boolean> {
  try {
    await work(await services.vault(name));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || !skips.has(error.code)) throw error;
    each(absent(name, key, `nothing under it could be looked at: ${describeError(error)}`, "unread"));
    return false;
  }
}

const skips: ReadonlySet<string> = new Set(["vault", "config", "refused", "usage", "unreachable"]);

function absent(vault: string, key: string, text: string, lock: "missing" | "unread"): SweptRecord {
  return { vault, key, lock, shownUntil: null, renewal: "not-due", until: null, text };
}
