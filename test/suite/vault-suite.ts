import { afterAll, beforeAll, describe } from "vitest";
import type { VaultBench, VaultTraits } from "./vault-bench.ts";
import { attestClaims } from "./vault-suite-attest.ts";
import { disposeClaims } from "./vault-suite-dispose.ts";
import { listClaims } from "./vault-suite-list.ts";
import { putClaims } from "./vault-suite-put.ts";
import { resumeClaims } from "./vault-suite-resume.ts";

/** What every vault promises (src/core/vault.ts), asked of one store. Keys are fresh in every test, so that nothing is cleaned up between. */
export function vaultSuite(name: string, open: () => Promise<VaultBench>, traits: VaultTraits): void {
  describe(`vault: ${name}`, () => {
    let bench: VaultBench | null = null;
    beforeAll(async () => {
      bench = await open();
    });
    afterAll(async () => {
      bench?.vault.close();
      await bench?.close();
    });
    const get = (): VaultBench => {
      if (bench === null) throw new Error("the store did not start");
      return bench;
    };
    putClaims(get, traits);
    resumeClaims(get, traits);
    attestClaims(get, traits);
    listClaims(get, traits);
    disposeClaims(get, traits);
  });
}
