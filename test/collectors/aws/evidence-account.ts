import type { AwsConfig } from "../../../src/core/config-aws.ts";
import type { KmsWorld } from "../../clouds/aws/kms.ts";
import { away, home, role } from "./link-rig.ts";

const region = "eu-west-1";
const keys = { home: "11111111-1111-4111-8111-111111111111", away: "22222222-2222-4222-8222-222222222222", managed: "33333333-3333-4333-8333-333333333333" };

/** Copies go to `away`, by its role, under its key; `home` has a customer key that `away` may use. */
export const evidence: Partial<AwsConfig> = {
  accounts: {
    [home]: { role: null, externalId: null, regions: null, kmsKey: `arn:aws:kms:${region}:${home}:key/${keys.home}` },
    [away]: { role: role.arn, externalId: role.externalId ?? null, regions: null, kmsKey: null },
  },
  evidenceAccount: { role: role.arn, externalId: role.externalId ?? null, kmsKey: `arn:aws:kms:${region}:${away}:key/${keys.away}` },
};

export function plantKeys(kms: KmsWorld): void {
  const born = new Date("2026-01-01T00:00:00.000Z");
  const usual = { region, state: "Enabled", created: born } as const;
  kms.keys.push(
    { ...usual, account: home, id: keys.home, aliases: [], manager: "CUSTOMER", shared: [away] },
    { ...usual, account: away, id: keys.away, aliases: [], manager: "CUSTOMER", shared: [] },
    { ...usual, account: home, id: keys.managed, aliases: ["alias/aws/ebs"], manager: "AWS", shared: [] },
  );
}
