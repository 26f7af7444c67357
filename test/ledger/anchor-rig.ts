import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Anchored } from "../../src/core/anchored.ts";
import { type AnchorPolicy, anchorNames } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { parseTrust } from "../../src/ledger/timestamps/timestamp-chain.ts";
import { caExtensions, issue, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa, type TsaFake } from "../clouds/tsa-fake.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { forever, notes, open, ORIGIN, tempHome } from "./support.ts";

/** A ledger with two witnesses and two authorities (RSA, ECDSA), each under a root of its own. */
export type AnchorRig = {
  readonly paths: LedgerPaths;
  readonly dir: string;
  readonly witnesses: readonly [WitnessFake, WitnessFake];
  readonly tsas: readonly [TsaFake, TsaFake];
  readonly policy: AnchorPolicy;
  append(count: number): Promise<void>;
  anchor(): Promise<readonly Anchored[]>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function anchorRig(quorum: number = 2): Promise<AnchorRig> {
  const home = tempHome();
  const certificates = mkdtempSync(join(tmpdir(), "holdfast-rig-"));
  const { vkeys } = readVkeys(home.paths.keys);
  const authority = async (name: string, key: "rsa" | "p256"): Promise<{ fake: TsaFake; root: string }> => {
    const root = issue(certificates, { name: `${name}-root`, key, days: 1000, extensions: caExtensions }, null);
    const signer = issue(certificates, { name, key, days: 500, extensions: tsaExtensions }, root);
    return { fake: await startTsa({ signer, chain: [], policy: "1.2.3.4" }), root: readFileSync(root.file, "utf8") };
  };
  const witnesses = [await startWitness("witness.example/w1", ORIGIN, vkeys), await startWitness("witness.example/w2", ORIGIN, vkeys)] as const;
  const [rsa, ecdsa] = [await authority("rsa", "rsa"), await authority("ecdsa", "p256")] as const;
  const policy: AnchorPolicy = {
    quorum,
    witnesses: witnesses.map(({ url, vkey }, i) => ({ name: `w${i + 1}`, url, key: parseWitnessKey(vkey, "vkey") })),
    authorities: [rsa, ecdsa].map(({ fake, root }, i) => ({ name: i === 0 ? "rsa" : "ecdsa", url: fake.url, policy: null, trust: parseTrust(root, "ca") })),
  };
  return {
    paths: home.paths,
    dir: home.dir,
    witnesses,
    tsas: [rsa.fake, ecdsa.fake],
    policy,
    async append(count) {
      const recorder = await open(home.paths);
      await recorder.append(notes(count));
      await recorder.close();
    },
    anchor: () => anchorNow(home.paths, policy, anchorNames(policy), { fetch, clock: () => new Date(), random: randomBytes }, forever),
    async [Symbol.asyncDispose]() {
      for (const fake of [...witnesses, rsa.fake, ecdsa.fake]) await fake.stop();
      rmSync(certificates, { recursive: true, force: true });
      home[Symbol.dispose]();
    },
  };
}
