import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnchorPolicy } from "../../src/ledger/anchors/anchor-policy.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { parseTrust } from "../../src/ledger/timestamps/timestamp-chain.ts";
import { caExtensions, issue, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa } from "../clouds/tsa-fake.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";

/** A witness for each home (it knows the home's keys) and one authority for all. */
export type Outsiders = { readonly anchor: (paths: LedgerPaths) => Promise<AnchorPolicy>; [Symbol.asyncDispose](): Promise<void> };

export async function outsiders(): Promise<Outsiders> {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-campaign-tsa-"));
  const root = issue(dir, { name: "root", key: "p256", days: 1000, extensions: caExtensions }, null);
  const tsa = await startTsa({ signer: issue(dir, { name: "tsa", key: "p256", days: 500, extensions: tsaExtensions }, root), chain: [], policy: "1.2.3.4" });
  const trust = parseTrust(readFileSync(root.file, "utf8"), "ca");
  const witnesses: WitnessFake[] = [];
  return {
    async anchor(paths) {
      const { origin, vkeys } = readVkeys(paths.keys);
      const witness = await startWitness("witness.example/w1", origin, vkeys);
      witnesses.push(witness);
      return {
        quorum: 1,
        witnesses: [{ name: "w1", url: witness.url, key: parseWitnessKey(witness.vkey, "vkey") }],
        authorities: [{ name: "tsa", url: tsa.url, policy: null, trust }],
      };
    },
    async [Symbol.asyncDispose]() {
      for (const fake of [...witnesses, tsa]) await fake.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
