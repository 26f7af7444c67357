import type { Holder } from "../core/held.ts";
import { actDraft } from "../core/act-draft.ts";
import { HoldfastError } from "../core/error.ts";
import type { RecordReport, SweepReport, SweptExhibit, SweptRecord, WholeSweep } from "../core/sweep-report.ts";
import { parseTarget } from "../core/target.ts";
import { sweepRetention } from "../custody/sweep-retention.ts";
import { isPromiseBroken } from "../custody/swept-exhibit.ts";
import type { Why } from "./custodying.ts";
import { sweepRecords } from "./sweep-records.ts";
import type { Services } from "./services.ts";

/** Retention over time. */
export type Sweeping = {
  /** Tells of every kept exhibit as it is looked at, then of the objects that prove them; and that it was done becomes an act. */
  sweep(
    dryRun: boolean,
    why: Why,
    each: { readonly exhibit: (swept: SweptExhibit) => void; readonly record: (swept: SweptRecord) => void },
    signal: AbortSignal,
  ): Promise<WholeSweep>;
};

export function sweeping(services: Services): Sweeping {
  const holderOf = async (target: string): Promise<Holder | null> => (await services.collector(parseTarget(target))).holder;
  const keepers = { vaultOf: services.vault, holderOf };
  return {
    async sweep(dryRun, why, each, signal) {
      const { verifyExhibit } = await import("../verify/verify-exhibit.ts");
      const reader = services.openReader();
      try {
        const report = await sweepRetention(
          {
            reader,
            locks: async () => ({ reader, recorder: await services.recorder(), ...keepers, actor: services.actor, ...why }),
            look: async (from, id, stop) => (await verifyExhibit(from, id, keepers, true, stop)).check,
            retention: services.config.retention,
            retainOf: (vault) => services.vaultConfig(vault).config.retain,
            clock: services.clock,
          },
          dryRun,
          each.exhibit,
          signal,
        );
        const records = await sweptRecords(services, dryRun, each.record, signal);
        return { ...report, records, act: dryRun ? null : await recordSweep(services, why, report, records) };
      } finally {
        reader.close();
      }
    },
  };
}

async function sweptRecords(services: Services, dryRun: boolean, each: (swept: SweptRecord) => void, signal: AbortSignal): Promise<RecordReport> {
  const sum = { looked: 0, renewed: 0, due: 0, failed: 0, broken: 0, unread: 0 };
  const count = (swept: SweptRecord): void => {
    sum.looked += 1;
    if (swept.renewal !== "not-due") sum[swept.renewal] += 1;
    if (isPromiseBroken(swept.lock)) sum.broken += 1;
    if (swept.lock === "unread") sum.unread += 1;
    each(swept);
  };
  await sweepRecords(services, dryRun, count, signal);
  return sum;
}

/** That locks were read back, and what could not be, is an act of its own: silence would look like a sweep that never was (facts/legal.md §8). */
async function recordSweep(services: Services, why: Why, { nextDue, ...exhibits }: SweepReport, records: RecordReport): Promise<string> {
  const digits = (counts: object): { readonly [name: string]: string } =>
    Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
  const recorder = await services.recorder();
  const [act] = await recorder.append([
    actDraft("verified", services.actor, { ...why, detail: { method: "sweep", exhibits: digits(exhibits), records: digits(records), nextDue } }),
  ]);
  if (act === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the sweep");
  return String(act.seq);
}
