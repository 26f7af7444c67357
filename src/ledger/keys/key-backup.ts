import { createCipheriv, createDecipheriv, scrypt } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import type { Random } from "../../core/ports.ts";
import { decodeBase64 } from "../format/note.ts";
import { count, fields, text } from "../format/shape.ts";

/** The files of a keys folder, by name. */
export type KeyFiles = Readonly<Record<string, string>>;

const SCHEMA = "holdfast.key-backup/1";
/** 128 MiB and about half a second: what a guess costs whoever finds the file. RFC 7914. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
const LIMIT = { N: 2 ** 20, r: 32, p: 16 } as const;
const MIN_PASSPHRASE = 12;

/** The keys under a passphrase: scrypt, then AES-256-GCM over them with everything else in the file as associated data. */
export async function sealKeys(origin: string, files: KeyFiles, passphrase: string, made: string, random: Random): Promise<string> {
  if (Buffer.byteLength(passphrase.normalize("NFC")) < MIN_PASSPHRASE)
    throw new HoldfastError("usage", `the passphrase of a key backup has at least ${MIN_PASSPHRASE} bytes; use several words`);
  const head = { cost, made, nonce: base64(random(12)), origin, salt: base64(random(32)), schema: SCHEMA };
  const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, Buffer.from(head.salt, "base64"), cost), Buffer.from(head.nonce, "base64"));
  cipher.setAAD(Buffer.from(JSON.stringify(head)));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(files), "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...head, sealed: base64(sealed) }, null, 2)}\n`;
}

/** Rejects with `usage` for what is no backup, `refused` for a wrong passphrase or a changed file: the two cannot be told apart. */
export async function openKeys(backup: string, passphrase: string): Promise<{ readonly origin: string; readonly files: KeyFiles }> {
  const { head, sealed } = parseBackup(backup);
  const decipher = createDecipheriv("aes-256-gcm", await keyOf(passphrase, Buffer.from(head.salt, "base64"), head.cost), Buffer.from(head.nonce, "base64"));
  decipher.setAAD(Buffer.from(JSON.stringify(head)));
  decipher.setAuthTag(sealed.subarray(-16));
  let plain: string;
  try {
    plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]).toString("utf8");
  } catch (error) {
    throw new HoldfastError("refused", "the passphrase is not that of this key backup, or the file was changed", error);
  }
  return { origin: head.origin, files: parseFiles(JSON.parse(plain)) };
}

type Head = {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly made: string;
  readonly nonce: string;
  readonly origin: string;
  readonly salt: string;
  readonly schema: string;
};

function parseBackup(backup: string): { readonly head: Head; readonly sealed: Buffer } {
  try {
    const f = fields(JSON.parse(backup), ["cost", "made", "nonce", "origin", "salt", "schema", "sealed"], "the backup");
    if (f["schema"] !== SCHEMA) throw new TypeError(`its schema is ${String(f["schema"])}`);
    const c = fields(f["cost"], ["N", "r", "p"], "cost");
    const paid = { N: count(c["N"], "cost.N"), r: count(c["r"], "cost.r"), p: count(c["p"], "cost.p") };
    // A file from elsewhere must not make us spend all memory.
    if (paid.N > LIMIT.N || paid.r > LIMIT.r || paid.p > LIMIT.p) throw new TypeError("its cost is out of bounds");
    const head = {
      cost: paid,
      made: text(f["made"], "made"),
      nonce: text(f["nonce"], "nonce"),
      origin: text(f["origin"], "origin"),
      salt: text(f["salt"], "salt"),
      schema: SCHEMA,
    };
    const sealed = decodeBase64(text(f["sealed"], "sealed"));
    if (sealed === null || sealed.length < 16 || decodeBase64(head.nonce)?.length !== 12 || decodeBase64(head.salt)?.length !== 32)
      throw new TypeError("its bytes are not whole");
    return { head, sealed };
  } catch (error) {
    throw new HoldfastError("usage", "this file is not a key backup that `holdfast key backup` wrote", error);
  }
}

function parseFiles(value: unknown): KeyFiles {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new HoldfastError("usage", "this key backup holds no files");
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, text(content, name)]));
}

function keyOf(passphrase: string, salt: Buffer, { N, r, p }: Head["cost"]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize("NFC"), salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
