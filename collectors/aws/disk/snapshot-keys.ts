import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import type { Output, Scope } from "../client/link.ts";
import { type Refused, wordsOf } from "../client/refused.ts";

export type KeyFacts = NonNullable<Output<"kms:DescribeKey">["KeyMetadata"]>;

/** A key by its ARN, in the Region that the ARN names. */
export async function lookAtKey(
  aws: Pick<Aws, "link">,
  scope: Scope,
  arn: string,
  signal: AbortSignal,
): Promise<{ readonly kind: "key"; readonly key: KeyFacts } | Refused> {
  const answer = await aws.link.ask(scope, regionOf(arn), "kms:DescribeKey", { KeyId: arn }, signal);
  if (answer.kind === "refused") return answer;
  return { kind: "key", key: answer.value.KeyMetadata ?? { KeyId: arn } };
}

export function regionOf(keyArn: string): string | null {
  return /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(keyArn)?.[1] ?? null;
}

export function accountOf(keyArn: string): string | null {
  return /^arn:[a-z-]+:kms:[a-z0-9-]+:(\d{12}):/.exec(keyArn)?.[1] ?? null;
}

/** Whether what is encrypted with it can be read as long as it is kept: a lock on a snapshot is none on its key. */
export async function probeKey(aws: Aws, scope: Scope, arn: string, of: string, signal: AbortSignal): Promise<ProbeAnswer> {
  const looked = await lookAtKey(aws, scope, arn, signal);
  const probe = `key of ${of}`;
  if (looked.kind === "refused") return { probe, ok: false, fatal: false, text: `${arn}: ${wordsOf(looked)}` };
  const { KeyState = "in a state that KMS does not say", DeletionDate } = looked.key;
  if (KeyState !== "Enabled") {
    const ends = DeletionDate === undefined ? "" : `, to be deleted on ${DeletionDate.toISOString()}: cancel that now (kms cancel-key-deletion)`;
    return { probe, ok: false, fatal: false, text: `${arn} is ${KeyState}${ends}; what it encrypted cannot be read` };
  }
  if (accountOf(arn) !== aws.account) return { probe, ok: true, fatal: false, text: `${arn} is enabled, in another account than the target's` };
  const safe = scope === "source" && aws.config.evidenceAccount !== null;
  const advice = safe
    ? "the copy in the evidence account is under another key"
    : "keep a copy under a key of another account (aws.evidenceAccount with its kmsKey)";
  return {
    probe,
    ok: safe,
    fatal: false,
    text: `${arn} is enabled, but a key in the compromised account can be deleted, and no lock on a snapshot protects it: ${advice}`,
  };
}
