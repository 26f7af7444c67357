import type { CollectionResult } from "../core/collection-result.ts";
import type { Exhibit } from "../core/exhibit.ts";
import { exhibitFromActs } from "../core/exhibit.ts";
import type { CollectionView } from "../core/jobs.ts";
import { isComplete } from "../core/outcome.ts";
import type { Reader } from "../core/recorder.ts";

/** Every exhibit number that the acts of this collection reserved, with what became of it; null where nothing has yet. */
function exhibitsOf(reader: Reader, collection: string): readonly (Exhibit | null)[] {
  const ids = new Set<string>();
  for (const act of reader.acts({ collection })) for (const exhibit of act.exhibits) ids.add(exhibit.id);
  return [...ids].map((id) => exhibitFromActs(id, [...reader.acts({ exhibit: id })]));
}

/** `collected` only if it ran to its end and every number has a good outcome: an open one is never success. */
export function collectionResult(reader: Reader, view: CollectionView, now: Date): CollectionResult {
  const { order } = view;
  const numbers = exhibitsOf(reader, order.collection);
  const exhibits = numbers.filter((exhibit) => exhibit !== null);
  const whole = view.state === "finished" && numbers.length > 0 && numbers.every((exhibit) => exhibit !== null && isGood(exhibit));
  return {
    collection: order.collection,
    case: order.case,
    target: order.target,
    outcome: whole ? "collected" : exhibits.some((e) => e.stored !== null || isComplete(e.outcome)) ? "partial" : "failed",
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
