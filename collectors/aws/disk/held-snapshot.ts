import type { Json } from "../../../src/core/act.ts";
import type { StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Held, HeldExhibit } from "../../../src/core/held.ts";
import type { Aws } from "../aws.ts";
import type { Scope } from "../client/link.ts";
import { mapOf, type MadeSnapshot } from "./snapshot-set.ts";

/** Where a held snapshot is: enough for the holder to find it again. */
export type SnapshotPlace = { readonly snapshot: string; readonly region: string; readonly scope: Scope };

export function heldSnapshot(
  aws: Aws,
  where: { readonly scope: Scope; readonly region: string },
  at: StepContext,
  name: string,
  { snapshot, sizeGiB }: Pick<MadeSnapshot, "snapshot" | "sizeGiB">,
  notes: readonly string[],
  outcome: HeldExhibit["outcome"],
  requestIds: readonly string[],
): HeldExhibit {
  const reference: SnapshotPlace = { snapshot, region: where.region, scope: where.scope };
  return {
    name,
    held: {
      provider: "aws",
      uri: `arn:${aws.instance.partition}:ec2:${where.region}::snapshot/${snapshot}`,
      bytes: sizeGiB * 2 ** 30,
      asked: { mode: "snapshot", retainUntil: at.retainUntil, legalHold: at.legalHold },
      reference,
    },
    detail: notes.length === 0 ? null : notes.join("; "),
    outcome,
    requestIds,
  };
}

/** Throws `unexpected` for what is no snapshot of this collector. */
export function placeOf({ uri, reference }: Pick<Held, "uri" | "reference">): SnapshotPlace {
  const { snapshot, region, scope }: { readonly [key: string]: Json } = mapOf(reference);
  if (typeof snapshot !== "string" || typeof region !== "string" || (scope !== "source" && scope !== "evidence"))
    throw new HoldfastError("unexpected", `${uri}: its record does not say where it is; audit the ledger`);
  return { snapshot, region, scope };
}
