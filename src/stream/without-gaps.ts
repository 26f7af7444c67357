import type { PutJournal } from "../core/vault.ts";

/**
 * A journal in which only the parts before the first missing one count. Stores acknowledge parts out of order; where `auto`
 * decides anew about the frames of a missing part, those behind it get other bytes. Comparing them with the journal would
 * accuse the source of a change; they are sent again instead.
 */
export function withoutGaps(journal: PutJournal): PutJournal {
  return {
    load() {
      const state = journal.load();
      if (state === null) return null;
      const inOrder = state.parts.toSorted((a, b) => a.number - b.number);
      return { ...state, parts: inOrder.filter((note, i) => note.number === i + 1) };
    },
    begin: (state) => journal.begin(state),
    part: (note) => journal.part(note),
    completing: () => journal.completing(),
    reset: () => journal.reset(),
  };
}
