import { HoldfastError } from "../../core/error.ts";
import { type LeafSignature, pae, PAYLOAD_TYPE, signatureOf } from "../format/leaf.ts";
import type { SshKey } from "./ssh-key.ts";
import { type KnownKeys, sshsigSigner } from "./ssh-signature.ts";

/** Whose signature a leaf carries, verified over its payload; null where it carries none. Throws `unverifiable` where it does not hold. */
export function signerOf(leaf: Uint8Array, known?: KnownKeys): SshKey | null {
  const found = signatureOf(leaf);
  return found === null ? null : verifiedSigner(found.payload, found.signature, known);
}

export function verifiedSigner(payload: Uint8Array, signature: LeafSignature, known?: KnownKeys): SshKey {
  try {
    const key = sshsigSigner(signature.sig, pae(PAYLOAD_TYPE, payload), known);
    if (key.fingerprint !== signature.keyid) throw new TypeError(`it names the key ${signature.keyid}, and ${key.fingerprint} signed`);
    return key;
  } catch (error) {
    throw new HoldfastError("unverifiable", `its signature does not hold: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
