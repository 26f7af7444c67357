import { parseExhibitId } from "../../core/case.ts";
import type { ExhibitLink, Predicate } from "../format/predicate.ts";

/** What the index tables say about one act: a pure function of its leaf, used to write them and to audit them. */
export type IndexRows = {
  readonly act: { readonly idx: number; readonly caseId: string | null; readonly collection: string | null; readonly once: string | null };
  /** The case that this act opened. */
  readonly opened: string | null;
  readonly exhibits: readonly { readonly caseId: string; readonly number: number; readonly seq: number }[];
  readonly lease: { readonly collection: string; readonly number: number } | null;
};

type Indexed = Pick<Predicate, "act" | "case" | "collection" | "once" | "lease"> & { readonly exhibits: readonly Pick<ExhibitLink, "id" | "exhibit_seq">[] };

export function indexRows(idx: number, act: Indexed): IndexRows {
  return {
    act: { idx, caseId: act.case, collection: act.collection, once: act.once },
    opened: act.act === "case-opened" ? act.case : null,
    exhibits: act.exhibits.map((e) => ({ ...parseExhibitId(e.id), seq: e.exhibit_seq })),
    lease: act.lease === null || act.collection === null ? null : { collection: act.collection, number: act.lease },
  };
}
