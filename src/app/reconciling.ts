import { HoldfastError } from "../core/error.ts";
import type { ReconcileReport, UnexplainedCall } from "../core/reconcile-report.ts";
import type { Vault } from "../core/vault.ts";
import { readAccessLogs } from "../verify/access-logs.ts";
import { logsInBucket, logsInFolder } from "../verify/log-files.ts";
import { knownCalls } from "../verify/known-calls.ts";
import { reconcile, type ReconcileWish } from "../verify/reconcile.ts";
import type { Services } from "./services.ts";

/** Stores' own logs beside our acts. */
export type Reconciling = {
  /** `logs`: a folder, or `s3://BUCKET/PREFIX`, which is asked as the vaults are. Tells of every call that no act explains. Reads only. */
  reconcile(logs: string, wish: ReconcileWish, each: (call: UnexplainedCall) => void, signal: AbortSignal): Promise<ReconcileReport>;
};

export function reconciling(services: Services): Reconciling {
  return {
    async reconcile(logs, wish, each, signal) {
      const known = services.reader((reader) => knownCalls(reader, wish.since - wish.tolerance));
      if (known.objects.size === 0)
        throw new HoldfastError("usage", "no exhibit of this home lies in an S3 vault: there is nothing that its access logs could speak of");
      const place = /^s3:\/\/([^/]+)\/?(.*)$/.exec(logs);
      if (place === null) return reconcile(() => readAccessLogs(logsInFolder(logs, signal), signal), known, wish, each);
      const [, bucket = "", prefix = ""] = place;
      const store = await openLogBucket(services, bucket);
      try {
        // Logs come after the calls that they hold; clocks may differ by what else is allowed for.
        return await reconcile(() => readAccessLogs(logsInBucket(store, prefix, wish.since - wish.tolerance, signal), signal), known, wish, each);
      } finally {
        store.close();
      }
    },
  };
}

/** Access logs lie in the region of what they speak of (Amazon S3 User Guide, "Enabling Amazon S3 server access logging"). Only read. */
async function openLogBucket(services: Services, bucket: string): Promise<Vault> {
  const config = services
    .vaultNames()
    .map((name) => services.vaultConfig(name).config)
    .find(({ kind }) => kind === "s3");
  const { region, endpoint, pathStyle } = config?.kind === "s3" ? config : { region: null, endpoint: null, pathStyle: false };
  const { openS3Vault } = await import("../vault/s3.ts");
  const unused = { prefix: "", mode: "compliance", kmsKey: null, acceptBypassable: false, expectedOwner: null } as const;
  return openS3Vault({ ...unused, name: `s3://${bucket}`, bucket, region, endpoint, pathStyle, clock: services.clock, random: services.random });
}
