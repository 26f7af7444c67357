import { HoldfastError } from "../../core/error.ts";

/** One signature line of a signed note: `— name base64(keyId ‖ signature)`. */
export type NoteSignature = { readonly name: string; readonly keyId: Buffer; readonly signature: Buffer };

/** `text` ends with a newline and does not include the blank line (C2SP signed-note). */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

const MAX_BYTES = 1 << 20;
const MAX_SIGNATURES = 64;
const KEY_ID_BYTES = 4;

export function formatNote(note: Note): string {
  if (!note.text.endsWith("\n")) throw new TypeError("a note's text ends with a newline");
  const lines = note.signatures.map((s) => `\u2014 ${s.name} ${Buffer.concat([s.keyId, s.signature]).toString("base64")}\n`);
  return `${note.text}\n${lines.join("")}`;
}

/** Strict: anything that two parsers could read differently is refused. Says nothing about who signed. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_BYTES) throw malformed(`${bytes.length} bytes`);
  const whole = decodeUtf8(bytes);
  // CR and other control bytes would let a terminal or an editor show other lines than were signed.
  for (let i = 0; i < bytes.length; i += 1) if ((bytes[i] ?? 0) < 0x20 && bytes[i] !== 0x0a) throw malformed("a control byte");
  const at = whole.lastIndexOf("\n\n"); // the last blank line: the text itself may hold blank lines
  if (at < 0) throw malformed("no blank line before the signatures");
  const block = whole.slice(at + 2);
  if (block === "" || !block.endsWith("\n")) throw malformed("no signature lines");
  const lines = block.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed(`${lines.length} signature lines`);
  return { text: whole.slice(0, at + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const match = /^\u2014 ([^ +\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
  const name = match?.[1];
  const base64 = match?.[2];
  if (name === undefined || base64 === undefined) throw malformed("a signature line of another shape");
  const field = decodeBase64(base64);
  if (field === null || field.length <= KEY_ID_BYTES) throw malformed("a signature that is not canonical base64");
  return { name, keyId: field.subarray(0, KEY_ID_BYTES), signature: field.subarray(KEY_ID_BYTES) };
}

/** Bytes of canonical base64, or null: Buffer.from forgives what two verifiers would read differently. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch (error) {
    throw new HoldfastError("unverifiable", "these bytes are not UTF-8, so they are no note and no leaf of a ledger", error);
  }
}

function malformed(what: string): HoldfastError {
  return new HoldfastError("unverifiable", `this is not a C2SP signed note (${what})`);
}
