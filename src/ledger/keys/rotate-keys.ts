import { HoldfastError } from "../../core/error.ts";
import type { Random } from "../../core/ports.ts";
import { openCheckpoint } from "../format/checkpoint.ts";
import { openHead } from "../store/head.ts";
import { kmsVkey } from "./kms-signer.ts";
import { formatVkey } from "./log-key.ts";
import { type LogVkeys, prepareKeys, preparedKeys, readLogKeys, readVkeys, switchKeys } from "./log-keys.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { signSuccession } from "./succession.ts";
import { currentKeys } from "./vkey-list.ts";

/** The new keys of a log before they sign: what they are, and the old ones' word for them. */
export type NextKeys = { readonly keys: readonly string[]; readonly succession: string };

/**
 * Makes them, or finds those that were made and do not sign yet. `kms`: ARNs of keys that stay in AWS KMS, one of a type; the types
 * that have none get a file.
 */
export async function nextKeys(paths: LedgerPaths, kms: readonly string[], random: Random): Promise<NextKeys> {
  const { origin, signers } = readLogKeys(paths.keys);
  const kept = await Promise.all(kms.map(async (arn) => ({ arn, vkey: await kmsVkey(origin, arn) })));
  const next = prepareKeys(paths.keys, origin, kept, random);
  return { keys: next.map(formatVkey), succession: await signSuccession(origin, next, signers) };
}

/** Whether these keys are made and do not sign yet. */
export function arePrepared(paths: LedgerPaths, keys: readonly string[]): boolean {
  return preparedKeys(paths.keys)?.map(formatVkey).join("\n") === keys.join("\n");
}

/**
 * Lets the prepared keys sign from the next head on. The act that names them has to be recorded before: it is then under a head that the
 * old keys signed. Waits for other writers, and they take the new keys with their next act. Rejects with `refused` where other keys are prepared.
 */
export async function takeNextKeys(paths: LedgerPaths, keys: readonly string[], end: "rotated" | "revoked"): Promise<LogVkeys> {
  const before = readVkeys(paths.keys);
  const head = openHead(paths.head, before.origin);
  try {
    await head.lock();
    const now = readVkeys(paths.keys);
    // Another process, or this one before it died, has done it.
    if (currentKeys(now.vkeys).map(formatVkey).join("\n") === keys.join("\n")) return now;
    if (!arePrepared(paths, keys)) throw new HoldfastError("refused", "the keys that the act names are not those that were made; nothing was changed");
    return switchKeys(paths.keys, openCheckpoint(head.read(), now.origin, now.vkeys).size, end);
  } finally {
    head.unlock();
    head.close();
  }
}
