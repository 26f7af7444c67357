import { sign } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import type { SigningKey, Vkey } from "./log-key.ts";

/**
 * What signs heads: a key in a file, or one that never leaves its keeper. `sign` gives the raw signature over exactly these bytes
 * (Ed25519, RFC 8032; ML-DSA-44, FIPS 204 without context). Rejects where the key cannot be used now; nothing is signed by halves.
 */
export interface Signer {
  readonly vkey: Vkey;
  sign(message: Uint8Array): Promise<Buffer>;
}

/** On the thread pool: an ML-DSA-44 signature takes most of a millisecond. */
export function fileSigner({ vkey, key }: SigningKey): Signer {
  return {
    vkey,
    sign: (message) =>
      new Promise((resolve, reject) => {
        sign(null, message, key, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
      }),
  };
}

/** The key of AWS KMS that a keys folder names instead of holding it: a full key ARN, since an alias can be pointed elsewhere. */
export function parseKmsArn(text: string): { readonly arn: string; readonly region: string } {
  const region = /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:key\/[A-Za-z0-9-]+$/.exec(text)?.[1];
  if (region === undefined)
    throw new HoldfastError(
      "usage",
      `${JSON.stringify(text.slice(0, 120))} is not the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID); aliases are not taken`,
    );
  return { arn: text, region };
}
