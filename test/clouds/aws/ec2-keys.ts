import { randomUUID } from "node:crypto";
import type { KmsKey, KmsWorld } from "./kms.ts";

/** By id, ARN, alias or alias ARN, as seen from this account and Region. */
export function keyNamed(kms: KmsWorld, account: string, region: string, name: string): KmsKey | null {
  const [, inRegion = region, of = account, bare = name] = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(?:key\/)?(.+)$/.exec(name) ?? [];
  return kms.keys.find((one) => one.region === inRegion && one.account === of && (one.id === bare || one.aliases.includes(bare))) ?? null;
}

/** A key that AWS manages serves its own account only; a customer's also those that its policy lets in. */
export function usableBy(key: KmsKey, account: string): boolean {
  return key.state === "Enabled" && (key.account === account || (key.manager === "CUSTOMER" && key.shared.includes(account)));
}

/** The account's AWS-managed key for EBS; it comes to be with its first use. */
export function ebsKey(kms: KmsWorld, account: string, region: string, now: Date): KmsKey {
  const known = keyNamed(kms, account, region, "alias/aws/ebs");
  if (known !== null) return known;
  const key: KmsKey = { account, region, id: randomUUID(), aliases: ["alias/aws/ebs"], manager: "AWS", state: "Enabled", created: now, shared: [] };
  kms.keys.push(key);
  return key;
}
