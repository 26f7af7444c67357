import { sign, verify } from "node:crypto";
import type { CheckpointId } from "../../core/act.ts";
import { HoldfastError } from "../../core/error.ts";
import type { SigningKey, Vkey } from "../keys/log-key.ts";
import { HASH_BYTES, type Hash } from "./merkle.ts";
import type { Signer } from "../keys/signer.ts";
import { decodeBase64, formatNote, type Note, type NoteSignature, parseNote } from "./note.ts";

/** The head of a log: who, how many, which root (C2SP tlog-checkpoint). Holdfast emits no extension lines: ML-DSA would not cover them. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Hash };

export function formatBody(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString("base64")}\n`;
}

export function parseBody(text: string): Checkpoint {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text);
  const [, origin, digits, base64] = match ?? [];
  const size = Number(digits);
  const root = base64 === undefined ? null : decodeBase64(base64);
  if (origin === undefined || !Number.isSafeInteger(size) || root?.length !== HASH_BYTES)
    throw new HoldfastError("unverifiable", "this note is not a checkpoint of a Holdfast log (origin, size, root and nothing more)");
  return { origin: parseOrigin(origin), size, root };
}

/** At most 255 bytes (the length byte of cosigned_message), no spaces, no `+`, no control characters. */
export function parseOrigin(text: string): string {
  if (!/^[^\s+\p{Cc}\p{Cs}]+$/u.test(text) || Buffer.byteLength(text) > 255)
    throw new HoldfastError("config", `origin ${JSON.stringify(text)}: use a schema-less URL of your own without spaces or "+", at most 255 bytes`);
  return text;
}

export function checkpointId(checkpoint: Checkpoint): CheckpointId {
  return { origin: checkpoint.origin, size: String(checkpoint.size), root: checkpoint.root.toString("base64") };
}

/** What an ML-DSA-44 key signs (C2SP tlog-cosignature): the tree [0, size) with signer and time bound in. Time in Unix seconds. */
export function cosignedMessage(signer: string, seconds: bigint, checkpoint: Checkpoint): Buffer {
  const name = Buffer.from(signer);
  const origin = Buffer.from(checkpoint.origin);
  return Buffer.concat([
    Buffer.from("subtree/v1\n\0"),
    Buffer.of(name.length),
    name,
    u64(seconds),
    Buffer.of(origin.length),
    origin,
    u64(0n),
    u64(BigInt(checkpoint.size)),
    checkpoint.root,
  ]);
}

/** Signs with every key. Signatures are randomised, so a size is never signed twice: its stored note is used again. Time in Unix seconds. */
export async function signCheckpoint(checkpoint: Checkpoint, signers: readonly Signer[], seconds: number): Promise<string> {
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      const { prefix, message } = toSign(checkpoint, signer.vkey, seconds);
      return signatureLine(signer.vkey, prefix, await signer.sign(message));
    }),
  );
  return formatNote({ text: formatBody(checkpoint), signatures });
}

/** The same on this thread and with keys in files, for the making of a home. */
export function signCheckpointNow(checkpoint: Checkpoint, keys: readonly SigningKey[], seconds: number): string {
  const signatures = keys.map((key) => {
    const { prefix, message } = toSign(checkpoint, key.vkey, seconds);
    return signatureLine(key.vkey, prefix, sign(null, message, key.key));
  });
  return formatNote({ text: formatBody(checkpoint), signatures });
}

function toSign(checkpoint: Checkpoint, vkey: Vkey, seconds: number): { readonly prefix: Buffer; readonly message: Buffer } {
  if (vkey.type === "ed25519") return { prefix: Buffer.alloc(0), message: Buffer.from(formatBody(checkpoint)) };
  const time = BigInt(seconds);
  return { prefix: u64(time), message: cosignedMessage(vkey.name, time, checkpoint) };
}

function signatureLine(vkey: Vkey, prefix: Buffer, signature: Buffer): NoteSignature {
  return { name: vkey.name, keyId: vkey.keyId, signature: Buffer.concat([prefix, signature]) };
}

/** The keys of a list that have to sign a head of this size: those that were neither retired by then nor made later. */
export function dueKeys(vkeys: readonly Vkey[], size: number): readonly Vkey[] {
  return vkeys.filter(({ signs }) => signs === undefined || (signs.from <= size && (signs.until === null || size < signs.until)));
}

/**
 * The checkpoint of a note that every key of the list has signed that is due for its size (design.md: both, where the list has
 * both). Lines of other keys are passed over, those of retired ones too: after their time they count for nothing. A due key whose
 * signature fails condemns the note. Throws `unverifiable` with the reason.
 */
export function openCheckpoint(bytes: Uint8Array, origin: string, vkeys: readonly Vkey[]): Checkpoint {
  if (vkeys.length === 0) throw new HoldfastError("unverifiable", "there is no key to verify a checkpoint with");
  const note = parseNote(bytes);
  const checkpoint = parseBody(note.text);
  if (checkpoint.origin !== origin) throw new HoldfastError("unverifiable", `this checkpoint is of the log ${checkpoint.origin}, not of ${origin}`);
  const due = dueKeys(vkeys, checkpoint.size);
  if (due.length === 0) throw new HoldfastError("unverifiable", `the list has no key for a checkpoint of size ${checkpoint.size}`);
  for (const vkey of due) {
    const lines = note.signatures.filter((s) => s.name === vkey.name && s.keyId.equals(vkey.keyId));
    if (lines.length === 0)
      throw new HoldfastError(
        "unverifiable",
        `the checkpoint of size ${checkpoint.size} has no ${vkey.type} signature of key ${vkey.keyId.toString("hex")}${retiredText(vkeys, note, checkpoint.size)}`,
      );
    for (const line of lines)
      if (!signatureHolds(note, checkpoint, vkey, line.signature))
        throw new HoldfastError("unverifiable", `the ${vkey.type} signature of the checkpoint of size ${checkpoint.size} does not verify`);
  }
  return checkpoint;
}

function retiredText(vkeys: readonly Vkey[], note: Note, size: number): string {
  const { signs, keyId } =
    vkeys.find(
      (v) => v.signs?.until !== undefined && v.signs.until !== null && v.signs.until <= size && note.signatures.some((s) => s.keyId.equals(v.keyId)),
    ) ?? {};
  return signs === undefined || keyId === undefined
    ? ""
    : `; that of ${keyId.toString("hex")} counts for nothing: the key was ${signs.end ?? ""} before size ${signs.until ?? 0}`;
}

function signatureHolds(note: Note, checkpoint: Checkpoint, vkey: Vkey, field: Buffer): boolean {
  if (vkey.type === "ed25519") return field.length === 64 && verify(null, Buffer.from(note.text), vkey.key, field);
  if (field.length !== 8 + 2420) return false;
  const time = field.readBigUInt64BE(0);
  if (time > 0x7fff_ffff_ffff_ffffn) return false;
  return verify(null, cosignedMessage(vkey.name, time, checkpoint), vkey.key, field.subarray(8));
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
