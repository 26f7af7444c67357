import { exhibitId } from "../core/case.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { ExhibitCheck } from "../core/exhibit-check.ts";
import type { Reader } from "../core/recorder.ts";
import { parseTarget } from "../core/target.ts";
import { type Keepers, unverifiable, verifyExhibit } from "../verify/verify-exhibit.ts";
import type { Services } from "./services.ts";

export type VerifyWish = { readonly case: string | null; readonly exhibits: readonly string[]; readonly quick: boolean; readonly offline: boolean };

/**
 * Checks what was asked for, or every exhibit of a case or of the home that has something stored. In a ledger that is not whole,
 * what cannot be read is left out of the list, or unverifiable where it was asked for by name: the audit's verdict is told all the same.
 */
export async function checkExhibits(
  services: Services,
  wish: VerifyWish,
  whole: boolean,
  each: (check: ExhibitCheck) => void,
  signal: AbortSignal,
): Promise<readonly ExhibitCheck[]> {
  const tolerant = <T>(look: () => T, otherwise: (text: string) => T): T => {
    try {
      return look();
    } catch (error) {
      if (whole || !(error instanceof HoldfastError)) throw error;
      return otherwise(describeError(error));
    }
  };
  const lost = (text: string): readonly ExhibitCheck[] => wish.exhibits.map((id) => unverifiable(id, null, text));
  const opened: { readonly reader: Reader } | { readonly text: string } = tolerant<{ reader: Reader } | { text: string }>(
    () => ({ reader: services.openReader() }),
    (text) => ({ text }),
  );
  if ("text" in opened) return lost(opened.text);
  const { reader } = opened;
  const keepers: Keepers = { vaultOf: services.vault, holderOf: async (target) => (await services.collector(parseTarget(target))).holder };
  try {
    const named = wish.exhibits.length > 0;
    const ids = named ? new Set(wish.exhibits) : exhibitIds(reader, wish.case, tolerant);
    if (named)
      for (const id of ids)
        tolerant(
          () => demandExhibit(reader, id),
          () => undefined,
        );
    const checks: ExhibitCheck[] = [];
    for (const id of ids) {
      let check: ExhibitCheck;
      try {
        const finding = await verifyExhibit(reader, id, keepers, wish.quick, signal);
        if (finding.kind === "nothing-stored" && !named) continue;
        check = finding.check;
      } catch (error) {
        if (whole || !(error instanceof HoldfastError) || error.code === "paused") throw error;
        check = unverifiable(id, null, describeError(error));
      }
      checks.push(check);
      each(check);
    }
    return checks;
  } finally {
    reader.close();
  }
}

function demandExhibit(reader: Reader, id: string): void {
  for (const _ of reader.acts({ exhibit: id })) return;
  throw new HoldfastError("usage", `there is no exhibit ${id}; \`holdfast exhibits\` lists them`);
}

type Tolerant = <T>(look: () => T, otherwise: (text: string) => T) => T;

function exhibitIds(reader: Reader, caseId: string | null, tolerant: Tolerant): ReadonlySet<string> {
  const cases =
    caseId === null
      ? tolerant(
          () => reader.cases().map((c) => c.id),
          () => [],
        )
      : [caseId];
  const ids = new Set<string>();
  for (const id of cases) {
    const found = tolerant(
      () => demandCase(reader, id),
      () => 0,
    );
    tolerant(
      () => {
        for (const act of reader.acts({ case: id })) for (const exhibit of act.exhibits) ids.add(exhibit.id);
      },
      // An act that cannot be read hides those behind it: the numbers that were given out name them.
      () => {
        for (let number = 1; number <= Math.min(found, 100_000); number += 1) ids.add(exhibitId(id, number));
      },
    );
  }
  return ids;
}

/** How many exhibits the case has. */
function demandCase(reader: Reader, id: string): number {
  const found = reader.case(id);
  if (found === null) throw new HoldfastError("usage", `there is no case ${id}; \`holdfast case list\` lists them`);
  return found.exhibits;
}
