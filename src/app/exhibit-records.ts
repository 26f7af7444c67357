import { type Act, isOutcomeAct } from "../core/act.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import { type Exhibit, exhibitFromActs, keptOf } from "../core/exhibit.ts";
import type { CollectionOrder } from "../core/jobs.ts";
import type { Retention } from "../core/lock.ts";
import { putSmall, readSmall } from "../core/small-object.ts";
import type { Listed, Vault } from "../core/vault.ts";
import { exhibitRecord, isOwnRecord, MAX_RECORD_BYTES, RECORD_NAME } from "../ledger/read/exhibit-record.ts";
import { readVkeys } from "../ledger/keys/log-keys.ts";
import { openProver } from "../ledger/read/proof-of.ts";
import type { Services } from "./services.ts";

type Needs = Pick<Services, "paths" | "reader" | "vault" | "clock">;
/** The collection that has ended. */
type Ended = Pick<CollectionOrder, "collection" | "case" | "vault">;
export type DueRecord = {
  readonly exhibit: Exhibit;
  readonly collection: string;
  readonly key: string;
  readonly asked: Omit<Retention, "mode">;
  /** Until when it was put there at the least; null where two persons have cut the exhibit's retention since. */
  readonly first: string | null;
};

/**
 * Puts `exhibit.json` beside every exhibit of the case that a vault keeps or a provider holds, once its collection has ended, under the
 * exhibit's own retention. What is there already is left, and that of this collection is looked at; a store that was down is caught up
 * with by the next collection of the case. Its vault keeps the records of what a provider holds. Never throws: gives what could not be done, a sentence each.
 */
export async function writeExhibitRecords(services: Needs, order: Ended, signal: AbortSignal): Promise<readonly string[]> {
  const troubles: string[] = [];
  const caseId = order.case;
  try {
    for (const [name, due] of dueRecords(services, caseId, order.vault)) {
      try {
        troubles.push(...(await writeAll(services, await services.vault(name), order, due, signal)));
      } catch (error) {
        troubles.push(
          `the records beside the exhibits of ${caseId} in vault ${name} are not all written; the next collection of the case tries again: ${describeError(error)}`,
        );
      }
    }
  } catch (error) {
    troubles.push(`the records beside the exhibits of ${caseId} could not be made: ${describeError(error)}`);
  }
  return troubles;
}

/** By vault (`heldIn` for what a provider holds): the exhibits of ended collections, with the place of their record. */
export function dueRecords(services: Needs, caseId: string, heldIn: string): ReadonlyMap<string, readonly DueRecord[]> {
  return services.reader((reader) => {
    const byExhibit = new Map<string, Act[]>();
    const ended = new Set<string>();
    for (const act of reader.acts({ case: caseId })) {
      if ((act.act === "finished" || act.act === "cancelled") && act.collection !== null) ended.add(act.collection);
      for (const { id } of act.exhibits) byExhibit.set(id, [...(byExhibit.get(id) ?? []), act]);
    }
    const due = new Map<string, DueRecord[]>();
    for (const [id, acts] of byExhibit) {
      const exhibit = exhibitFromActs(id, acts);
      const collection = acts.find((act) => isOutcomeAct(act.act))?.collection ?? null;
      const kept = keptOf(acts);
      if (exhibit === null || kept.kind === "nothing" || collection === null || !ended.has(collection)) continue;
      const [name, folder, asked] =
        kept.kind === "stored"
          ? [kept.put.vault, kept.put.key.slice(0, kept.put.key.lastIndexOf("/")), kept.put.asked]
          : [heldIn, `${id}-${collection}`, kept.held.asked];
      // What has lapsed is promised to nobody, and no store would take it.
      if (Date.parse(asked.retainUntil) <= services.clock().getTime()) continue;
      due.set(name, [...(due.get(name) ?? []), { exhibit, collection, key: `${folder}/${RECORD_NAME}`, asked, first: firstPromise(acts) }]);
    }
    return due;
  });
}

function firstPromise(acts: readonly Act[]): string | null {
  const kept = keptOf(acts.filter(({ act }) => act !== "retention-extended"));
  if (kept.kind === "nothing" || acts.some(({ act }) => act === "retention-cut")) return null;
  return (kept.kind === "stored" ? kept.put : kept.held).asked.retainUntil;
}

async function writeAll(services: Needs, vault: Vault, order: Ended, due: readonly DueRecord[], signal: AbortSignal): Promise<readonly string[]> {
  const there = new Map<string, Listed>();
  // The oldest version is the one that was put where nothing was.
  for await (const listed of vault.list(`${order.case}/`, null, signal))
    if (listed.bytes !== null && listed.key.endsWith(`/${RECORD_NAME}`)) there.set(listed.key, listed);
  const alarms: string[] = [];
  for (const { exhibit, collection, key, asked } of due) {
    const listed = there.get(key);
    if (listed !== undefined) {
      if (collection === order.collection && !(await isOurs(services, vault, listed, exhibit, signal)))
        alarms.push(`ALARM: ${key} in vault ${vault.name} is no record of exhibit ${exhibit.id} that this ledger signed; it was left as it is`);
      continue;
    }
    try {
      const bytes = exhibitRecord(services.paths.ledger, exhibit);
      await putSmall(vault, { key, mediaType: "application/json", bytes, retention: { ...asked, mode: vault.mode } }, signal);
    } catch (error) {
      // Another process was quicker; the next look checks what it wrote.
      if (!(error instanceof HoldfastError) || error.code !== "object-exists") throw error;
    }
  }
  return alarms;
}

async function isOurs(services: Needs, vault: Vault, listed: Listed, exhibit: Exhibit, signal: AbortSignal): Promise<boolean> {
  if ((listed.bytes ?? 0) > MAX_RECORD_BYTES) return false;
  const bytes = await readSmall(vault, listed, MAX_RECORD_BYTES, signal);
  const prover = openProver(services.paths.ledger);
  try {
    return isOwnRecord(bytes, readVkeys(services.paths.ledger.keys), exhibit, (seq) => prover.prove(seq).leaf);
  } finally {
    prover.close();
  }
}
