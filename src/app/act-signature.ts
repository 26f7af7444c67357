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
  const { leaf } = proofOf(services.paths.ledger, seq);
  const { actor } = decodeLeaf(seq, leaf, services.origin);
  const found = signatureOf(leaf);
  if (found === null)
    throw new HoldfastError("usage", `act ${seq} is ${actor.proof} by ${actor.id}, and nobody signed it; \`holdfast custody\` shows which are signed`);
  const key = verifiedSigner(found.payload, found.signature);
  const name = /^[^\s",]+$/.test(actor.id) ? actor.id : "actor"; // allowed_signers has patterns, separated by commas
  const contents: readonly (readonly [string, Uint8Array | string])[] = [
    [out, pae(PAYLOAD_TYPE, found.payload)],
    [`${out}.sig`, armourSshsig(found.signature.sig)],
    [`${out}.allowed`, `${name} namespaces="${SSHSIG_NAMESPACE}" ${key.line}\n`],
  ];
  for (const [path, bytes] of contents) {
    await using file = await openNewFile(path, services.random);
    await file.file.writeFile(bytes);
    await file.name();
  }
  return {
    actor: actor.id,
    keyid: key.fingerprint,
    files: contents.map(([path]) => path),
    verify: `ssh-keygen -Y verify -f ${out}.allowed -I ${name} -n ${SSHSIG_NAMESPACE} -s ${out}.sig < ${out}`,
  };
}
