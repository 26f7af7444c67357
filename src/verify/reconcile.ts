import type { LoggedCall, ReconcileReport, UnexplainedCall, UnloggedAct } from "../core/reconcile-report.ts";
import type { LogEntry } from "./access-logs.ts";
import type { KnownCalls, KnownObject } from "./known-calls.ts";

export type ReconcileWish = {
  /** Milliseconds. */
  readonly since: number;
  /** How far a call may lie from the act that explains it. Milliseconds. */
  readonly tolerance: number;
};

/**
 * Holds a store's own log against our acts, in two passes: calls whose id an act names are ours, and say which principals are ours;
 * then each other call on an exhibit's object must lie beside an act that does such a thing and come from one of those principals.
 */
export async function reconcile(
  read: () => AsyncIterable<LogEntry>,
  known: KnownCalls,
  wish: ReconcileWish,
  each: (call: UnexplainedCall) => void,
): Promise<ReconcileReport> {
  const seen = new Set<string>();
  const principals = new Set<string>();
  for await (const entry of read()) {
    if (entry.kind !== "call" || !known.requestIds.has(entry.call.requestId)) continue;
    seen.add(entry.call.requestId);
    principals.add(principalOf(entry.call.requester));
  }
  const sum = { files: 0, lines: 0, unreadable: 0, unexplained: 0 };
  const calls = { onExhibits: 0, byRequestId: 0, byTime: 0, looks: 0, elsewhere: 0 };
  const bySpan = new Set<number>();
  let firstUnreadable: string | null = null;
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for await (const entry of read()) {
    if (entry.kind === "file") sum.files += 1;
    else sum.lines += 1;
    if (entry.kind === "unreadable") {
      sum.unreadable += 1;
      firstUnreadable ??= entry.where;
    }
    if (entry.kind !== "call" || entry.call.time < wish.since) continue;
    const { call } = entry;
    from = Math.min(from, call.time);
    to = Math.max(to, call.time);
    const key = call.keys.find((form) => known.objects.has(`s3://${call.bucket}/${form}`)) ?? null;
    const object = key === null ? undefined : known.objects.get(`s3://${call.bucket}/${key}`);
    // A deletion of many objects may be logged without their names: it may have been any of them.
    const anyOf = call.keys.length === 0 && call.operation === "DeleteObjects" && known.buckets.has(call.bucket);
    if (object === undefined && !anyOf) {
      calls.elsewhere += 1;
      continue;
    }
    calls.onExhibits += 1;
    const span = object === undefined ? null : spanOf(call, object, wish.tolerance);
    if (known.requestIds.has(call.requestId)) {
      calls.byRequestId += 1;
      seen.add(call.requestId); // logs may have come between the two passes
    } else if (span !== null && (principals.size === 0 || principals.has(principalOf(call.requester)))) {
      calls.byTime += 1;
      bySpan.add(span);
    } else if (call.kind === "look") calls.looks += 1;
    else {
      sum.unexplained += 1;
      each(unexplained(call, object, key));
    }
  }
  const covered = from > to ? null : { since: new Date(from).toISOString(), until: new Date(to).toISOString() };
  const unlogged = unloggedActs(known, seen, bySpan, from, to - wish.tolerance);
  return { since: new Date(wish.since).toISOString(), covered, ...sum, firstUnreadable, calls, principals: [...principals].sort(), unlogged };
}

/** The act beside which such a call lies; null where there is none. */
function spanOf(call: LoggedCall, object: KnownObject, tolerance: number): number | null {
  const found = object.spans.find(({ kinds, from, to }) => kinds.includes(call.kind) && call.time >= from - tolerance && call.time <= to + tolerance);
  return found?.seq ?? null;
}

/** Each session of a role has a name of its own. */
function principalOf(requester: string): string {
  return requester.replace(/^(arn:[^:]+:sts::\d*:assumed-role\/[^/]+)\/.*$/, "$1");
}

function unexplained(call: LoggedCall, object: KnownObject | undefined, key: string | null): UnexplainedCall {
  const { bucket, operation, requester, address, requestId, log } = call;
  const told = { bucket, operation, requester, address, requestId, log, key };
  return {
    ...told,
    time: new Date(call.time).toISOString(),
    what: call.kind,
    outcome: call.refused === null ? "done" : "refused",
    exhibit: object?.exhibit ?? null,
  };
}

/** Logs write whole seconds, and the last calls may not have been delivered yet: only acts well inside of what they cover count. */
function unloggedActs(known: KnownCalls, seen: ReadonlySet<string>, bySpan: ReadonlySet<number>, from: number, to: number): readonly UnloggedAct[] {
  return known.spoken
    .filter(({ act, ids }) => {
      const time = Date.parse(act.time);
      return time >= from && time <= to && !bySpan.has(act.seq) && !ids.some((id) => seen.has(id));
    })
    .map(({ act, exhibit }) => ({ seq: String(act.seq), act: act.act, exhibit, time: act.time }));
}
