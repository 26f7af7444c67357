import type { Act } from "../core/act.ts";
import type { Change, CollectionResult } from "../core/collection-result.ts";
import { type Done, doneKinds } from "../core/collector.ts";
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

/** The act steps that were begun, with how each ended by the ledger. */
function changesOf(reader: Reader, { order }: CollectionView): readonly Change[] {
  const acts = [...reader.acts({ collection: order.collection })].filter((act) => act.exhibits.length === 0);
  return order.plan.steps.flatMap((step): Change[] => {
    const own = acts.filter((act) => act.step === step.id);
    if (step.does !== "act" || own.length === 0) return [];
    const changed = own.findLast((act) => act.act === "changed");
    const text = changed?.detail["text"];
    const undone = own.findLast((act) => act.act === "undone");
    return [{ step: step.id, title: step.title, outcome: endOf(changed), detail: typeof text === "string" ? text : null, undone: endOf(undone) }];
  });
}

function endOf(act: Act | undefined): Done["kind"] | null {
  return doneKinds.find((kind) => kind === act?.detail["outcome"]) ?? null;
}

/** `collected` only if it ran to its end, every number has a good outcome and every side effect happened: an open one is never success. */
export function collectionResult(reader: Reader, view: CollectionView, now: Date): CollectionResult {
  const { order } = view;
  const numbers = exhibitsOf(reader, order.collection);
  const exhibits = numbers.filter((exhibit) => exhibit !== null);
  const changes = changesOf(reader, view);
  const effects = changes.map(({ outcome }) => outcome === "done" || outcome === "already");
  const taken = numbers.map((exhibit) => exhibit !== null && isGood(exhibit));
  const whole = view.state === "finished" && taken.length + effects.length > 0 && [...taken, ...effects].every((good) => good);
  return {
    collection: order.collection,
    case: order.case,
    target: order.target,
    outcome: whole ? "collected" : exhibits.some((e) => e.stored !== null || isComplete(e.outcome)) || effects.includes(true) ? "partial" : "failed",
    exhibits,
    changes,
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
