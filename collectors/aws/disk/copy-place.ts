import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import type { None } from "../client/refused.ts";
import { accountOf, regionOf } from "./snapshot-keys.ts";

export type EvidencePlace = {
  readonly account: string;
  /** Of the evidence account's key, where one is configured: a copy cannot be under a key of another Region. */
  readonly region: string;
  readonly kmsKey: string | null;
};

/** Where copies go. An evidence role that may not be assumed is an answer: the snapshots in place do not depend on it. */
export async function evidenceOf(aws: Aws, signal: AbortSignal): Promise<EvidencePlace | None> {
  const kmsKey = aws.link.evidence?.kmsKey ?? null;
  try {
    const { account } = await aws.link.identity("evidence", signal);
    if (account === aws.account)
      return {
        kind: "none",
        outcome: "unavailable",
        detail: `aws.evidenceAccount is the target's own account ${account}: a copy there would be as safe as the original; configure another`,
      };
    if (kmsKey !== null && accountOf(kmsKey) === aws.account)
      return {
        kind: "none",
        outcome: "unavailable",
        detail: `aws.evidenceAccount.kmsKey is a key of the target's account: whoever holds it could delete the key; configure one of account ${account}`,
      };
    return { account, region: (kmsKey === null ? null : regionOf(kmsKey)) ?? aws.link.region, kmsKey };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError) || error.code !== "config") throw error;
    return { kind: "none", outcome: "denied", detail: error.message };
  }
}
