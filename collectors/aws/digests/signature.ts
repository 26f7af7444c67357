import { constants, type KeyObject, verify } from "node:crypto";
import type { Digest } from "./file.ts";

/**
 * What CloudTrail signs (user guide, "Custom implementations of CloudTrail log file integrity validation"): when, where, what, and
 * the signature before it. `sha256` is of the unpacked digest. A starting digest has the word `null`.
 */
export function signedString(digest: Digest, sha256: string): string {
  return `${digest.endTime}\n${digest.place.bucket}/${digest.place.key}\n${sha256}\n${digest.previous?.signature ?? "null"}`;
}

/** Small letters only, and exactly as long as the key: a signature has one spelling, so that two copies of it can be compared. */
export function signatureFits(signature: string, key: KeyObject, signed: string): boolean {
  const bytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  if (signature.length !== bytes * 2 || !/^[0-9a-f]+$/.test(signature)) return false;
  return verify("sha256", Buffer.from(signed, "utf8"), { key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(signature, "hex"));
}
