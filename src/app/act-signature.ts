import { HoldfastError } from "../core/error.ts";
import { openNewFile } from "../custody/new-file.ts";
import { decodeLeaf, pae, PAYLOAD_TYPE, signatureOf } from "../ledger/format/leaf.ts";
import { proofOf } from "../ledger/read/proof-of.ts";
import { verifiedSigner } from "../ledger/actors/signer-of.ts";
import { armourSshsig, SSHSIG_NAMESPACE } from "../ledger/actors/ssh-signature.ts";
import type { Services } from "./services.ts";

export type ActSignature = { readonly actor: string; readonly keyid: string; readonly files: readonly string[]; readonly verify: string };

/**
 * Writes what OpenSSH needs to judge the signature of one act by itself: the bytes that were signed, the signature, and the key of
 * the signature as an allowed signer. Whether that key is the person's is for whoever checks to ask the person. New files only.
 */
export async function actSignature(services: Services, seq: number, out: string): Promise<ActSignature> {
  const signed = signatureFiles(seq, proofOf(services.paths.ledger, seq).leaf, services.origin);
  for (const [suffix, bytes] of signed.files) {
    await using file = await openNewFile(`${out}${suffix}`, services.random);
    await file.file.writeFile(bytes);
    await file.name();
  }
  return {
    actor: signed.actor,
    keyid: signed.keyid,
    files: signed.files.map(([suffix]) => `${out}${suffix}`),
    verify: `ssh-keygen -Y verify -f ${out}.allowed -I ${signed.name} -n ${SSHSIG_NAMESPACE} -s ${out}.sig < ${out}`,
  };
}

type SignatureFiles = {
  readonly actor: string;
  readonly keyid: string;
  /** The name of the allowed signer. */
  readonly name: string;
  /** By the ending of their name: what was signed, the signature, who may sign. */
  readonly files: readonly (readonly ["" | ".sig" | ".allowed", Uint8Array | string])[];
};

/** Throws `usage` where nobody signed the act. */
export function signatureFiles(seq: number, leaf: Buffer, origin: string): SignatureFiles {
  const { actor } = decodeLeaf(seq, leaf, origin);
  const found = signatureOf(leaf);
  if (found === null)
    throw new HoldfastError("usage", `act ${seq} is ${actor.proof} by ${actor.id}, and nobody signed it; \`holdfast custody\` shows which are signed`);
  const key = verifiedSigner(found.payload, found.signature);
  const name = /^[^\s",]+$/.test(actor.id) ? actor.id : "actor"; // allowed_signers has patterns, separated by commas
  return {
    actor: actor.id,
    keyid: key.fingerprint,
    name,
    files: [
      ["", pae(PAYLOAD_TYPE, found.payload)],
      [".sig", armourSshsig(found.signature.sig)],
      [".allowed", `${name} namespaces="${SSHSIG_NAMESPACE}" ${key.line}\n`],
    ],
  };
}
