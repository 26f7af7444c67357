import type { Holder } from "../core/held.ts";
import type { SweepReport, SweptExhibit } from "../core/sweep-report.ts";
import { parseTarget } from "../core/target.ts";
import { sweepRetention } from "../custody/sweep-retention.ts";
import { verifyExhibit } from "../verify/verify-exhibit.ts";
import type { Why } from "./custodying.ts";
import type { Services } from "./services.ts";

/** Retention over time. */
export type Sweeping = {
  /** Tells of every kept exhibit as it is looked at. */
  sweep(dryRun: boolean, why: Why, each: (swept: SweptExhibit) => void, signal: AbortSignal): Promise<SweepReport>;
};

export function sweeping(services: Services): Sweeping {
  const holderOf = async (target: string): Promise<Holder | null> => (await services.collector(parseTarget(target))).holder;
  const keepers = { vaultOf: services.vault, holderOf };
  return {
    async sweep(dryRun, why, each, signal) {
      const reader = services.openReader();
      try {
        return await sweepRetention(
          {
            reader,
            locks: async () => ({ reader, recorder: await services.recorder(), ...keepers, actor: services.actor, ...why }),
            look: async (from, id, stop) => (await verifyExhibit(from, id, keepers, true, stop)).check,
            retention: services.config.retention,
            retainOf: (vault) => services.vaultConfig(vault).config.retain,
            clock: services.clock,
          },
          dryRun,
          each,
          signal,
        );
      } finally {
        reader.close();
      }
    },
  };
}
