import type { Act } from "../core/act.ts";
import { isOutcomeAct } from "../core/act.ts";
import { exhibitId } from "../core/case.ts";
import { parseOutcomeDetail } from "../core/outcome-detail.ts";
import type { Reader } from "../core/recorder.ts";
import type { CallKind } from "../core/reconcile-report.ts";

type Span = { readonly kinds: readonly CallKind[]; readonly from: number; readonly to: number; readonly seq: number };

export type KnownObject = { readonly exhibit: string; readonly spans: readonly Span[] };

/** An act that says that it spoke with the store. */
export type SpokenAct = { readonly act: Act; readonly exhibit: string; readonly uri: string; readonly ids: readonly string[] };

/** What our acts know of objects in S3: by `s3://bucket/key`, and each recorded request id. */
export type KnownCalls = {
  readonly objects: ReadonlyMap<string, KnownObject>;
  readonly buckets: ReadonlySet<string>;
  readonly requestIds: ReadonlySet<string>;
  readonly spoken: readonly SpokenAct[];
};

/** Which calls an act explains, beside those whose ids it names. */
function explains(act: Act): readonly CallKind[] {
  switch (act.act) {
    case "accessed":
    case "transferred":
      return ["read", "look"];
    case "verified":
      return act.detail["method"] === "rehash" ? ["read", "look"] : ["look"];
    case "held":
    case "hold-cleared":
    case "retention-extended":
    case "retention-cut":
      return ["lock", "look"];
    case "changed":
      return act.detail["change"] === "disposed" ? ["delete", "look"] : ["lock", "look"];
    default:
      return [];
  }
}

/** Memory: the exhibits' keys, and acts since `since` (milliseconds). */
export function knownCalls(reader: Reader, since: number): KnownCalls {
  const objects = new Map<string, KnownObject>();
  const buckets = new Set<string>();
  const requestIds = new Set<string>();
  const spoken: SpokenAct[] = [];
  for (const matter of reader.cases())
    for (let number = 1; number <= matter.exhibits; number += 1) {
      const exhibit = exhibitId(matter.id, number);
      const acts = [...reader.acts({ exhibit })];
      const outcome = acts.findLast((act) => isOutcomeAct(act.act));
      const put = outcome === undefined ? null : parseOutcomeDetail(outcome).put;
      if (outcome === undefined || put === null || !put.uri.startsWith("s3://")) continue;
      const sealed = acts.findLast((act) => act.act === "sealed") ?? outcome;
      const taking: Span = {
        kinds: ["read", "look", "write", "lock", "delete"],
        from: Date.parse(acts[0]?.time ?? outcome.time),
        to: Math.max(Date.parse(outcome.time), Date.parse(sealed.time)),
        seq: outcome.seq,
      };
      const spans = [taking];
      for (const act of acts) {
        const time = Date.parse(act.time);
        if (time < since) continue;
        const kinds = explains(act);
        if (kinds.length > 0) spans.push({ kinds, from: time, to: time, seq: act.seq });
        const ids = [...act.requestIds, ...(act.stored?.requestIds ?? []), ...(act === outcome ? put.requestIds : [])];
        for (const id of ids) requestIds.add(id);
        if (ids.length > 0 || kinds.includes("read")) spoken.push({ act, exhibit, uri: put.uri, ids });
      }
      objects.set(put.uri, { exhibit, spans });
      buckets.add(put.uri.slice(5).split("/", 1)[0] ?? "");
    }
  return { objects, buckets, requestIds, spoken };
}
