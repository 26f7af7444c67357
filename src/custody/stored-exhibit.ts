import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { type Exhibit, exhibitFromActs, type Kept, keptOf } from "../core/exhibit.ts";
import type { OutcomeDetail } from "../core/outcome-detail.ts";
import type { Reader } from "../core/recorder.ts";

export type StoredExhibit = {
  readonly exhibit: Exhibit;
  readonly acts: readonly Act[];
  /** The object and what is promised of it now. */
  readonly put: NonNullable<OutcomeDetail["put"]>;
};

/** An exhibit that somebody keeps: a vault its bytes, or its provider the thing itself. */
export type KeptExhibit = { readonly exhibit: Exhibit; readonly acts: readonly Act[]; readonly kept: Exclude<Kept, { readonly kind: "nothing" }> };

/** Anything else is a usage error that says what the exhibit is. */
export function keptExhibit(reader: Reader, id: string): KeptExhibit {
  const acts = [...reader.acts({ exhibit: id })];
  if (acts.length === 0) throw new HoldfastError("usage", `there is no exhibit ${id}; \`holdfast exhibits\` lists them`);
  const exhibit = exhibitFromActs(id, acts);
  if (exhibit === null) throw new HoldfastError("usage", `exhibit ${id} has no outcome yet; its collection is still open (\`holdfast status\`)`);
  const kept = keptOf(acts);
  if (kept.kind === "nothing")
    throw new HoldfastError("usage", `exhibit ${id} is ${exhibit.outcome}: nothing of it is stored (${exhibit.detail ?? "no detail"})`);
  return { exhibit, acts, kept };
}

/** An exhibit whose bytes are in a vault. */
export function storedExhibit(reader: Reader, id: string): StoredExhibit {
  const { exhibit, acts, kept } = keptExhibit(reader, id);
  if (kept.kind === "held")
    throw new HoldfastError("usage", `exhibit ${id} has no bytes here: its provider holds it in place as ${kept.held.uri}; collect its disk-image`);
  return { exhibit, acts, put: kept.put };
}
