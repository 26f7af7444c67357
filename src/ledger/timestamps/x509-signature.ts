import { type KeyObject, verify } from "node:crypto";

/** Object identifiers of digests that a timestamp may rest on. SHA-1 and MD5 are not among them. */
export const digestNames: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

// RFC 8017, RFC 5758, RFC 8419. `null` takes the digest that the signer names beside it (rsaEncryption, RFC 3370 §3.2).
const signatures: Readonly<Record<string, { readonly key: string; readonly digest: string | null }>> = {
  "1.2.840.113549.1.1.1": { key: "rsa", digest: null },
  "1.2.840.113549.1.1.11": { key: "rsa", digest: "sha256" },
  "1.2.840.113549.1.1.12": { key: "rsa", digest: "sha384" },
  "1.2.840.113549.1.1.13": { key: "rsa", digest: "sha512" },
  "1.2.840.10045.4.3.2": { key: "ec", digest: "sha256" },
  "1.2.840.10045.4.3.3": { key: "ec", digest: "sha384" },
  "1.2.840.10045.4.3.4": { key: "ec", digest: "sha512" },
  "1.3.101.112": { key: "ed25519", digest: "none" },
};

const MIN_RSA_BITS = 2048;

/** Null where it holds, else why it does not. `digest` is the digest named beside the signature, if any. */
export function signatureFault(algorithm: string, digest: string | null, key: KeyObject, message: Uint8Array, signature: Uint8Array): string | null {
  const known = Object.hasOwn(signatures, algorithm) ? signatures[algorithm] : undefined;
  if (known === undefined) return `its signature algorithm ${algorithm} is not one that Holdfast accepts (RSA PKCS #1, ECDSA or Ed25519, with SHA-2)`;
  if (key.asymmetricKeyType !== known.key) return `its signature algorithm ${algorithm} does not go with a key of type ${key.asymmetricKeyType}`;
  if (known.key === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) return `its RSA key is shorter than ${MIN_RSA_BITS} bits`;
  const named = known.digest ?? digest;
  if (named === null) return "its signature names no digest that Holdfast accepts";
  return verify(named === "none" ? null : named, message, key, signature) ? null : "its signature does not verify";
}
