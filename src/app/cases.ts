import type { Case } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import { type Exhibit, exhibitFromActs } from "../core/exhibit.ts";
import type { Services } from "./services.ts";

export type Note = { readonly time: string; readonly actor: string; readonly text: string };

/** What one can read about cases. */
export type Cases = {
  list(): readonly Case[];
  find(id: string): Case | null;
  /** Exhibits that have an outcome, of one case or of all, by number. */
  exhibits(caseId: string | null): readonly Exhibit[];
  notes(caseId: string): readonly Note[];
};

export function cases(services: Services): Cases {
  return {
    list: () => services.reader((reader) => reader.cases()),
    find: (id) => services.reader((reader) => reader.case(id)),
    exhibits: (caseId) =>
      services.reader((reader) => {
        if (caseId !== null && reader.case(caseId) === null) throw new HoldfastError("usage", `there is no case ${caseId}; \`holdfast case list\` lists them`);
        const ids = new Set<string>();
        for (const id of caseId === null ? reader.cases().map((c) => c.id) : [caseId])
          for (const act of reader.acts({ case: id })) for (const exhibit of act.exhibits) ids.add(exhibit.id);
        return [...ids].flatMap((id) => exhibitFromActs(id, [...reader.acts({ exhibit: id })]) ?? []);
      }),
    notes: (caseId) =>
      services.reader((reader) =>
        [...reader.acts({ case: caseId })].flatMap((act) =>
          act.act === "note" && typeof act.detail["text"] === "string" ? [{ time: act.time, actor: act.actor.id, text: act.detail["text"] }] : [],
        ),
      ),
  };
}
