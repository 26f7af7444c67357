import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Vault } from "../../src/core/vault.ts";
import { type AnchorPolicy, anchorNames } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { mirrorLedger } from "../../src/ledger/mirror/mirror-ledger.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { inSeconds } from "../suite/vault-bench.ts";
import { forever } from "../ledger/support.ts";

/** What vouches for a home whose storage fails: one witness, and a mirror in a directory. */
export type Outside = { readonly url: string; readonly vkey: string; readonly mirror: string };

export function policyOf({ url, vkey }: Outside): AnchorPolicy {
  return { quorum: 1, authorities: [], witnesses: [{ name: "w1", url, key: parseWitnessKey(vkey, "vkey") }] };
}

export function mirrorOf({ mirror }: Outside): Vault {
  return openDirectoryVault({ name: "mirror", root: join(mirror, "vault"), clock: () => new Date(), random: randomBytes, immutable: false });
}

/** Null once it has cosigned the head; else why not. Rejects where our own files fail. */
export async function cosignHead(paths: LedgerPaths, outside: Outside): Promise<string | null> {
  const policy = policyOf(outside);
  const [done] = await anchorNow(paths, policy, anchorNames(policy), { fetch, clock: () => new Date(), random: randomBytes }, forever);
  return done === undefined || done.kind === "anchored" ? null : `${done.kind}: ${done.text}`;
}

/** Null once the mirror is as long as the head. Rejects where our own files or its disk fail. */
export async function mirrorHead(paths: LedgerPaths, outside: Outside): Promise<null> {
  await mirrorLedger(paths, { vault: mirrorOf(outside), retainUntil: inSeconds(3600) }, forever);
  return null;
}
