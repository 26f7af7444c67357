import { createPublicKey, type KeyObject } from "node:crypto";
import { HoldfastError } from "../../../src/core/error.ts";

/** A key of CloudTrail's ListPublicKeys. */
export type DigestKey = {
  readonly fingerprint: string;
  /** DER, PKCS#1. */
  readonly der: Uint8Array;
  /** Ms since 1970. */
  readonly fromMs: number;
  readonly untilMs: number;
};

/**
 * The keys as they are saved beside the digests: the wire answer of ListPublicKeys (`{"PublicKeyList":[…]}`, times in seconds),
 * the list alone, or the list with RFC 3339 times. Anything else throws `unverifiable`, naming the field.
 */
export function parseDigestKeys(saved: unknown): readonly DigestKey[] {
  const list = isMap(saved) ? saved["PublicKeyList"] : saved;
  if (!Array.isArray(list)) throw bad("PublicKeyList");
  return list.map((item: unknown, at) => {
    if (!isMap(item)) throw bad(`PublicKeyList[${at}]`);
    const { Fingerprint: fingerprint, Value: value } = item;
    if (typeof fingerprint !== "string") throw bad(`PublicKeyList[${at}].Fingerprint`);
    if (typeof value !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw bad(`PublicKeyList[${at}].Value`);
    const [fromMs, untilMs] = (["ValidityStartTime", "ValidityEndTime"] as const).map((field) => {
      const given = item[field];
      const ms = typeof given === "number" ? given * 1000 : typeof given === "string" ? Date.parse(given) : Number.NaN;
      if (Number.isNaN(ms)) throw bad(`PublicKeyList[${at}].${field}`);
      return ms;
    });
    return { fingerprint, der: Buffer.from(value, "base64"), fromMs: fromMs ?? 0, untilMs: untilMs ?? 0 };
  });
}

function bad(field: string): HoldfastError {
  return new HoldfastError("unverifiable", `the saved public keys: ${field} is not what ListPublicKeys answers; save its answer again`);
}

function isMap(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export type KeyChoice =
  | { readonly kind: "key"; readonly key: KeyObject }
  | { readonly kind: "key-unknown" | "key-out-of-time" | "key-unusable"; readonly why: string };

/** Picks the key of a fingerprint that was valid at some time between the two, ms since 1970. */
export type KeyRing = (fingerprint: string, fromMs: number, untilMs: number) => KeyChoice;

export function keyRing(keys: readonly DigestKey[]): KeyRing {
  const opened = new Map<DigestKey, KeyObject | null>(keys.map((key) => [key, openKey(key.der)]));
  return (fingerprint, fromMs, untilMs) => {
    const named = keys.filter((key) => key.fingerprint === fingerprint);
    if (named.length === 0) return { kind: "key-unknown", why: `no saved public key has its fingerprint ${fingerprint}` };
    const inTime = named.filter((key) => key.fromMs <= untilMs && key.untilMs >= fromMs);
    if (inTime.length === 0) return { kind: "key-out-of-time", why: `the public key ${fingerprint} was not valid when it was signed` };
    for (const entry of inTime) {
      const key = opened.get(entry) ?? null;
      if (key !== null) return { kind: "key", key };
    }
    return { kind: "key-unusable", why: `the saved public key ${fingerprint} is not an RSA key of at least 2048 bits` };
  };
}

function openKey(der: Uint8Array): KeyObject | null {
  // ListPublicKeys gives PKCS#1; the user guide's sample answer also has a SubjectPublicKeyInfo, and warns that the form may change.
  for (const type of ["pkcs1", "spki"] as const) {
    try {
      const key = createPublicKey({ key: Buffer.from(der), format: "der", type });
      return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : null;
    } catch {
      // of the other form, or of none
    }
  }
  return null;
}
