import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { type Exhibit, exhibitFromActs, keptOf } from "../core/exhibit.ts";
import type { OutcomeDetail } from "../core/outcome-detail.ts";
import type { Reader } from "../core/recorder.ts";

export type StoredExhibit = {
  readonly exhibit: Exhibit;
  readonly acts: readonly Act[];
  /** The object and what is promised of it now. */
  readonly put: NonNullable<OutcomeDetail["put"]>;
};

/** An exhibit whose bytes are in a vault; anything else is a usage error that says what the exhibit is. */
export function storedExhibit(reader: Reader, id: string): StoredExhibit {
  const acts = [...reader.acts({ exhibit: id })];
  if (acts.length === 0) throw new HoldfastError("usage", `there is no exhibit ${id}; \`holdfast exhibits\` lists them`);
  const exhibit = exhibitFromActs(id, acts);
  if (exhibit === null) throw new HoldfastError("usage", `exhibit ${id} has no outcome yet; its collection is still open (\`holdfast status\`)`);
  const kept = keptOf(acts);
  switch (kept.kind) {
    case "stored":
      return { exhibit, acts, put: kept.put };
    case "held":
      throw new HoldfastError("usage", `exhibit ${id} has no bytes here: its provider holds it in place as ${kept.held.uri}; collect its disk-image`);
    case "nothing":
      throw new HoldfastError("usage", `exhibit ${id} is ${exhibit.outcome}: nothing of it is stored (${exhibit.detail ?? "no detail"})`);
    default:
      return kept satisfies never;
  }
}
