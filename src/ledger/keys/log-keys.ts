import { createPrivateKey } from "node:crypto";
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError, systemCode } from "../../core/error.ts";
import type { Random } from "../../core/ports.ts";
import type { KeyFiles } from "./key-backup.ts";
import { kmsSigner } from "./kms-signer.ts";
import { type KeyType, pemOfSeed, type SigningKey, signingKeyOf, type Vkey } from "./log-key.ts";
import { fileSigner, type Signer } from "./signer.ts";
import { currentFrom, currentKeys, parseVkeys, vkeyText } from "./vkey-list.ts";

/** The keys of one log: an Ed25519 key for everyone's tools, an ML-DSA-44 key against quantum forgery. Both sign every head. */
export type LogVkeys = { readonly origin: string; readonly vkeys: readonly Vkey[] };
/** `signers` sign heads; `signing` are those of them whose keys are in files here. */
export type LogKeys = LogVkeys & { readonly signers: readonly Signer[]; readonly signing: readonly SigningKey[] };
/** A key that AWS KMS keeps. */
type KmsKey = { readonly arn: string; readonly vkey: Vkey };

const types: readonly KeyType[] = ["ed25519", "ml-dsa-44"];
const VKEY_FILE = "log.vkey";
const NEXT_FILE = "next.vkey";
/** The first keys of a log, and the names of later ones, which lie beside them until they are deleted. */
const fileOf = (type: KeyType): string => `log.${type}.key`;
const laterFileOf = ({ type, keyId }: Vkey): string => `log.${type}-${keyId.toString("hex")}.key`;
/** The ARN of a key that AWS KMS keeps. */
const kmsFileOf = ({ type, keyId }: Vkey): string => `log.${type}-${keyId.toString("hex")}.kms`;

/**
 * Makes both keys in `dir`, private files readable by the owner only. Never replaces a file: a lost key cannot be made again. A key
 * that a maker left which died before `log.vkey` was there is taken over.
 */
export function makeLogKeys(dir: string, origin: string, random: Random): LogVkeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const vkeys = types.map((type) => {
    const file = join(dir, fileOf(type));
    if (!existsSync(file)) writeOnce(file, pemOfSeed(type, random(32)), 0o600);
    return signingKeyOf(origin, createPrivateKey(readText(file))).vkey;
  });
  writeOnce(join(dir, VKEY_FILE), vkeyText({ origin, vkeys }), 0o644);
  return { origin, vkeys };
}

/** The public keys, as `log.vkey` lists them, retired ones with the sizes that they signed. */
export function readVkeys(dir: string): LogVkeys {
  const file = join(dir, VKEY_FILE);
  return parseVkeys(readText(file), file);
}

/** The files of the folder that are needed to go on, as they are, for a backup. */
export function keyFiles(dir: string): KeyFiles {
  const { signers } = readLogKeys(dir);
  return Object.fromEntries([VKEY_FILE, ...signers.map(({ vkey }) => nameOf(dir, vkey))].map((name) => [name, readText(join(dir, name))]));
}

/** Puts the files of a backup into a folder that has none, and proves that they are the keys of one log. */
export function installKeys(dir: string, files: KeyFiles): LogKeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) {
    if (name !== VKEY_FILE && !/^log\.(ed25519|ml-dsa-44)(-[0-9a-f]{8})?\.(key|kms)$/.test(name))
      throw new HoldfastError("config", `the key backup holds ${JSON.stringify(name.slice(0, 80))}, which is no file of a log's keys`);
    writeOnce(join(dir, name), content, name === VKEY_FILE ? 0o644 : 0o600);
  }
  return readLogKeys(dir);
}

/**
 * Makes the keys of the next generation beside those that sign, once: as long as they do not sign, the same ones are given again.
 * Nothing signs with them before `switchKeys`.
 */
export function prepareKeys(dir: string, origin: string, kms: readonly KmsKey[], random: Random): readonly Vkey[] {
  const list = join(dir, NEXT_FILE);
  for (const { arn, vkey } of kms)
    if (kms.some((other) => other.arn !== arn && other.vkey.type === vkey.type))
      throw new HoldfastError("usage", `two ${vkey.type} keys were named; a log has one of each type`);
  if (existsSync(list)) return samePrepared(parseVkeys(readText(list), list).vkeys, kms);
  const vkeys = types.map((type) => {
    const kept = kms.find(({ vkey }) => vkey.type === type);
    if (kept !== undefined) {
      if (!existsSync(join(dir, kmsFileOf(kept.vkey)))) writeOnce(join(dir, kmsFileOf(kept.vkey)), `${kept.arn}\n`, 0o600);
      return kept.vkey;
    }
    const pem = pemOfSeed(type, random(32));
    const { vkey } = signingKeyOf(origin, createPrivateKey(pem));
    writeOnce(join(dir, laterFileOf(vkey)), pem, 0o600);
    return vkey;
  });
  writeOnce(list, vkeyText({ origin, vkeys }), 0o644);
  return vkeys;
}

function samePrepared(vkeys: readonly Vkey[], kms: readonly KmsKey[]): readonly Vkey[] {
  const missing = kms.find(({ vkey }) => !vkeys.some((prepared) => prepared.pub.equals(vkey.pub)));
  if (missing !== undefined)
    throw new HoldfastError(
      "refused",
      `other keys than ${missing.arn} are prepared already, and asked for; take those into use first, or remove ${NEXT_FILE} from the keys folder`,
    );
  return vkeys;
}

/** The keys that were made and do not sign yet. */
export function preparedKeys(dir: string): readonly Vkey[] | null {
  const list = join(dir, NEXT_FILE);
  return existsSync(list) ? parseVkeys(readText(list), list).vkeys : null;
}

/**
 * From the next head on, beyond size `signed`, the prepared keys sign. Call under the head's lock. The old private keys are deleted: what
 * they can still do to others is FORMAT.md's, but nobody finds them here.
 */
export function switchKeys(dir: string, signed: number, end: "rotated" | "revoked"): LogVkeys {
  const { origin, vkeys } = readVkeys(dir);
  const next = preparedKeys(dir);
  if (next === null) throw new HoldfastError("refused", "no new keys were made; nothing was changed");
  const at = signed + 1;
  const retired = currentKeys(vkeys);
  const kept = vkeys.filter((vkey) => !retired.includes(vkey));
  const list: LogVkeys = {
    origin,
    vkeys: [
      ...next.map((vkey) => ({ ...vkey, signs: { from: at, until: null, end: null } })),
      ...retired.map((vkey) => ({ ...vkey, signs: { from: currentFrom(vkeys), until: at, end } })),
      ...kept,
    ],
  };
  const old = retired.map((vkey) => nameOf(dir, vkey));
  replace(join(dir, VKEY_FILE), vkeyText(list), 0o644);
  for (const name of [...old, NEXT_FILE]) rmSync(join(dir, name), { force: true });
  syncDir(dir);
  return list;
}

/** Changes when other keys sign: another process may have rotated them. */
export function keysStamp(dir: string): string {
  const { ino, mtimeMs, size } = statSync(join(dir, VKEY_FILE));
  return `${ino}/${mtimeMs}/${size}`;
}

/** The private keys too, of those that sign today. Refuses files that others may read, and keys that are not those of `log.vkey`. */
export function readLogKeys(dir: string): LogKeys {
  const { origin, vkeys } = readVkeys(dir);
  const current = currentKeys(vkeys);
  // A head signed by fewer keys than before would still verify for whoever pins only those.
  for (const type of types)
    if (!current.some((vkey) => vkey.type === type))
      throw new HoldfastError("config", `${join(dir, VKEY_FILE)} lists no ${type} key; restore it from your backup of the home`);
  const signing: SigningKey[] = [];
  const signers = current.map((vkey): Signer => {
    const file = join(dir, nameOf(dir, vkey));
    if (file.endsWith(".kms")) return kmsSigner(vkey, readText(file).trim());
    const pem = readText(file);
    const mode = statSync(file).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new HoldfastError(
        "config",
        `${file} may be read by others (mode ${mode.toString(8)}); make it private with chmod 600, and consider the key as known to them`,
      );
    const key = signingKeyOf(origin, createPrivateKey(pem));
    if (!key.vkey.pub.equals(vkey.pub)) throw new HoldfastError("config", `${file} is not the private key of the ${vkey.type} key in ${VKEY_FILE}`);
    signing.push(key);
    return fileSigner(key);
  });
  return { origin, vkeys, signers, signing };
}

/** Where a key of today is: its own file, or the name of its keeper. */
export function keptIn(dir: string, vkey: Vkey): "file" | "kms" {
  return nameOf(dir, vkey).endsWith(".kms") ? "kms" : "file";
}

function nameOf(dir: string, vkey: Vkey): string {
  if (existsSync(join(dir, kmsFileOf(vkey)))) return kmsFileOf(vkey);
  return existsSync(join(dir, laterFileOf(vkey))) ? laterFileOf(vkey) : fileOf(vkey.type);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new HoldfastError("config", `the log key file ${file} cannot be read (${systemCode(error) ?? "?"}); restore it from your backup of the home`, error);
  }
}

/** Durable, complete under its name or not there at all, and never over another file. */
function writeOnce(file: string, text: string, mode: number): void {
  const part = writePart(file, text, mode);
  linkSync(part, file);
  rmSync(part);
  syncDir(join(file, ".."));
}

/** The same over the file that is there: either the old one or the new one is found, whatever happens. */
function replace(file: string, text: string, mode: number): void {
  renameSync(writePart(file, text, mode), file);
  syncDir(join(file, ".."));
}

function writePart(file: string, text: string, mode: number): string {
  const part = `${file}.part`;
  rmSync(part, { force: true });
  const fd = openSync(part, "wx", mode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  chmodSync(part, mode); // whatever the umask was
  return part;
}

export function syncDir(dir: string): void {
  if (process.platform === "win32") return; // directories cannot be opened there
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
