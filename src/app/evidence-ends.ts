import { HoldfastError } from "../core/error.ts";
import { exhibitId } from "../core/case.ts";
import type { Reader } from "../core/recorder.ts";
import { promisedOf } from "../custody/swept-exhibit.ts";

export type Evidence = {
  readonly cases: readonly string[];
  /** When the last promise of all kept exhibits ends, milliseconds; null where nothing is kept. */
  readonly latest: number | null;
  /** Vaults that keep exhibits and never showed the lock of one. */
  readonly neverShown: ReadonlySet<string>;
};

export function evidenceOf(reader: Reader): Evidence {
  const cases = reader.cases();
  let latest: number | null = null;
  const shown = new Map<string, boolean>();
  for (const matter of cases)
    for (let number = 1; number <= matter.exhibits; number += 1) {
      const promised = readable(() => promisedOf(exhibitId(matter.id, number), [...reader.acts({ exhibit: exhibitId(matter.id, number) })]));
      if (promised === null) continue;
      latest = Math.max(latest ?? 0, Date.parse(promised.retainUntil));
      if (promised.vault !== null) shown.set(promised.vault, promised.shown || (shown.get(promised.vault) ?? false));
    }
  return { cases: cases.map(({ id }) => id), latest, neverShown: new Set([...shown].filter(([, once]) => !once).map(([name]) => name)) };
}

/** A damaged act is told where the exhibits are swept; it keeps no other lock from being renewed. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof HoldfastError && (error.code === "unverifiable" || error.code === "altered")) return null;
    throw error;
  }
}
