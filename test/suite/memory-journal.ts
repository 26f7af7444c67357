import type { PartNote, PutJournal, PutState } from "../../src/core/vault.ts";

export type MemoryJournal = PutJournal & {
  /** What was called, in order. */
  readonly calls: readonly string[];
  /** Called before each call takes effect: may throw, as a killed process would. */
  before: ((call: string) => void) | null;
};

/** A journal that outlives its put, as work.db does. */
export function memoryJournal(first: PutState | null = null): MemoryJournal {
  let state: PutState | null = first;
  const calls: string[] = [];
  function did(call: string): void {
    journal.before?.(call);
    calls.push(call);
  }
  const journal: MemoryJournal = {
    calls,
    before: null,
    load: () => state,
    begin({ token, partSize }) {
      did("begin");
      state = { token, partSize, parts: [], completing: false };
    },
    part(note: PartNote) {
      did(`part ${note.number}`);
      if (state === null) throw new Error("part before begin");
      const others = state.parts.filter((part) => part.number !== note.number);
      state = { ...state, parts: [...others, note].sort((a, b) => a.number - b.number) };
    },
    completing() {
      did("completing");
      if (state === null) throw new Error("completing before begin");
      state = { ...state, completing: true };
    },
    reset() {
      did("reset");
      state = null;
    },
  };
  return journal;
}
