import { verify } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { formatVkey, type Vkey } from "./log-key.ts";
import { formatNote, parseNote } from "../format/note.ts";
import type { Signer } from "./signer.ts";

/**
 * What a generation of keys says of the next one, in a note of its own that both its keys sign: so whoever trusts the old keys comes
 * to the new ones with nothing but the log. The first line keeps it from being a checkpoint.
 */
const HEADER = "holdfast.succession/v1";

export async function signSuccession(origin: string, next: readonly Vkey[], signers: readonly Signer[]): Promise<string> {
  const text = textOf(origin, next.map(formatVkey));
  const signatures = await Promise.all(
    signers.map(async ({ vkey, sign }) => ({ name: vkey.name, keyId: vkey.keyId, signature: await sign(Buffer.from(text)) })),
  );
  return formatNote({ text, signatures });
}

/** Throws `unverifiable` unless every one of the old keys signed for exactly these new ones. */
export function checkSuccession(note: string, origin: string, next: readonly string[], old: readonly Vkey[]): void {
  const { text, signatures } = parseNote(Buffer.from(note));
  if (text !== textOf(origin, next)) throw new HoldfastError("unverifiable", "the succession is not that of these keys");
  if (old.length === 0) throw new HoldfastError("unverifiable", "there are no old keys that could have signed the succession");
  for (const vkey of old) {
    const line = signatures.find(({ name, keyId }) => name === vkey.name && keyId.equals(vkey.keyId));
    if (line === undefined || !verify(null, Buffer.from(text), vkey.key, line.signature))
      throw new HoldfastError("unverifiable", `the ${vkey.type} key ${vkey.keyId.toString("hex")} did not sign the succession`);
  }
}

function textOf(origin: string, next: readonly string[]): string {
  return [HEADER, origin, ...next, ""].join("\n");
}
