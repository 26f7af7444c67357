import type { CollectionResult } from "../core/collection-result.ts";
import type { Exhibit } from "../core/exhibit.ts";
import { exhibitFromActs } from "../core/exhibit.ts";
import type { CollectionView } from "../core/jobs.ts";
import { isComplete } from "../core/outcome.ts";
import type { Reader } from "../core/recorder.ts";

/** Every exhibit number that the acts of this collection reserved, in order: no number may be missing from a result. */
export function exhibitsOf(reader: Reader, collection: string): readonly Exhibit[] {
  const ids = new Set<string>();
  for (const act of reader.acts({ collection })) for (const exhibit of act.exhibits) ids.add(exhibit.id);
  return [...ids].flatMap((id) => exhibitFromActs(id, [...reader.acts({ exhibit: id })]) ?? []);
}

export function collectionResult(reader: Reader, view: CollectionView, now: Date): CollectionResult {
  const { order } = view;
  const exhibits = exhibitsOf(reader, order.collection);
  const good = exhibits.filter(isGood).length;
  return {
    collection: order.collection,
    case: order.case,
    target: order.target,
    outcome: good === exhibits.length ? "collected" : exhibits.some((e) => e.stored !== null || isComplete(e.outcome)) ? "partial" : "failed",
    exhibits,
    footprint: {
      writtenBytes: String(order.plan.steps.reduce((sum, step) => sum + step.footprint.writtenBytes, 0)),
      tools: [...new Set(order.plan.steps.flatMap((step) => step.footprint.tools))],
    },
    seconds: Math.round((now.getTime() - Date.parse(order.started)) / 100) / 10,
  };
}

/**
 * Complete, and its lock is what its vault promises: sealed, or a directory that never claimed to be (contract.md, JSON).
 */
export function isGood(exhibit: Exhibit): boolean {
  if (!isComplete(exhibit.outcome)) return false;
  return exhibit.stored === null || exhibit.stored.sealed || (exhibit.stored.mode === "directory" && exhibit.stored.problems.length === 0);
}
