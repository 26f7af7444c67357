import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { type Checkpoint, cosignedMessage } from "../format/checkpoint.ts";
import { decodeBase64, type Note, type NoteSignature } from "../format/note.ts";

/** A witness's verifier key: type 0x04 (Ed25519, cosignature/v1) or 0x06 (ML-DSA-44), C2SP tlog-cosignature. */
export type WitnessKey = { readonly name: string; readonly keyId: Buffer; readonly type: "cosignature/v1" | "ml-dsa-44"; readonly key: KeyObject };

// DER in front of the raw public key (RFC 8410; RFC 9881).
const types = [
  { number: 0x04, type: "cosignature/v1", bytes: 32, spki: Buffer.from("302a300506032b6570032100", "hex") },
  { number: 0x06, type: "ml-dsa-44", bytes: 1312, spki: Buffer.from("30820532300b06096086480165030403110382052100", "hex") },
] as const;

const MAX_SECONDS = 0x7fff_ffff_ffff_ffffn;

/** Throws `config`. A plain Ed25519 key (0x01) is refused: its signatures carry no time and could be a log's. */
export function parseWitnessKey(text: string, field: string): WitnessKey {
  const match = /^([^+\s]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const [, name, keyId, base64] = match ?? [];
  const bytes = base64 === undefined ? null : decodeBase64(base64);
  const kind = types.find((t) => t.number === bytes?.[0] && t.bytes === bytes.length - 1);
  if (name === undefined || bytes === null || kind === undefined)
    throw new HoldfastError(
      "config",
      `${field}: ${JSON.stringify(text.slice(0, 80))} is not a witness's verifier key; write NAME+HEX+BASE64 of type 0x04 or 0x06, as its operator publishes it`,
    );
  const id = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), bytes]), "buffer").subarray(0, 4);
  if (id.toString("hex") !== keyId) throw new HoldfastError("config", `${field}: the key id is not that of ${name} and this key; copy the whole key again`);
  return { name, keyId: id, type: kind.type, key: createPublicKey({ key: Buffer.concat([kind.spki, bytes.subarray(1)]), format: "der", type: "spki" }) };
}

/** Whether a line claims to be by this key; what it claims is not checked yet. */
export function isBy(line: NoteSignature, key: WitnessKey): boolean {
  return line.name === key.name && line.keyId.equals(key.keyId);
}

/**
 * The time in Unix seconds at which the witness says it had seen exactly this checkpoint and nothing inconsistent before, or null
 * where the line does not hold. Time 0 is no time (tlog-witness).
 */
export function cosignedAt(note: Note, checkpoint: Checkpoint, key: WitnessKey, line: NoteSignature): number | null {
  const field = line.signature;
  if (!isBy(line, key) || field.length !== 8 + (key.type === "ml-dsa-44" ? 2420 : 64)) return null;
  const seconds = field.readBigUInt64BE(0);
  if (seconds === 0n || seconds > MAX_SECONDS) return null;
  const message = key.type === "ml-dsa-44" ? cosignedMessage(key.name, seconds, checkpoint) : Buffer.from(`cosignature/v1\ntime ${seconds}\n${note.text}`);
  return verify(null, message, key.key, field.subarray(8)) ? Number(seconds) : null;
}
