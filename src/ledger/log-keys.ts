import { createPrivateKey } from "node:crypto";
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import type { KeyFiles } from "./key-backup.ts";
import { formatVkey, type KeyType, parseVkey, pemOfSeed, type SigningKey, signingKeyOf, type Vkey } from "./log-key.ts";

/** The keys of one log: an Ed25519 key for everyone's tools, an ML-DSA-44 key against quantum forgery. Both sign every head. */
export type LogVkeys = { readonly origin: string; readonly vkeys: readonly Vkey[] };
export type LogKeys = LogVkeys & { readonly signing: readonly SigningKey[] };

const types: readonly KeyType[] = ["ed25519", "ml-dsa-44"];
const VKEY_FILE = "log.vkey";
const fileOf = (type: KeyType): string => `log.${type}.key`;

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

/** The public keys, as `log.vkey` lists them: one vkey a line, all of one origin. */
export function readVkeys(dir: string): LogVkeys {
  const file = join(dir, VKEY_FILE);
  return parseVkeys(readText(file), file);
}

export function parseVkeys(list: string, where: string): LogVkeys {
  const vkeys = list
    .split("\n")
    .filter((line) => line !== "")
    .map(parseVkey);
  const origin = vkeys[0]?.name;
  if (origin === undefined || vkeys.some((vkey) => vkey.name !== origin))
    throw new HoldfastError("config", `${where} must list the verifier keys of one log, one a line`);
  return { origin, vkeys };
}

/** What `log.vkey` holds for these keys. */
export function vkeyText({ vkeys }: LogVkeys): string {
  return vkeys.map((vkey) => `${formatVkey(vkey)}\n`).join("");
}

/** The files of the folder, as they are, for a backup. */
export function keyFiles(dir: string): KeyFiles {
  const { signing } = readLogKeys(dir);
  return Object.fromEntries([VKEY_FILE, ...signing.map(({ vkey }) => fileOf(vkey.type))].map((name) => [name, readText(join(dir, name))]));
}

/** Puts the files of a backup into a folder that has none, and proves that they are the keys of one log. */
export function installKeys(dir: string, files: KeyFiles): LogKeys {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const wanted = [...types.map(fileOf), VKEY_FILE];
  for (const name of wanted) {
    const content = files[name];
    if (content === undefined) throw new HoldfastError("config", `the key backup lacks ${name}; use one that \`holdfast key backup\` wrote of this log`);
    writeOnce(join(dir, name), content, name === VKEY_FILE ? 0o644 : 0o600);
  }
  return readLogKeys(dir);
}

/** The private keys too. Refuses files that others may read, and keys that are not those of `log.vkey`. */
export function readLogKeys(dir: string): LogKeys {
  const { origin, vkeys } = readVkeys(dir);
  // A head signed by fewer keys than before would still verify for whoever pins only those.
  for (const type of types)
    if (!vkeys.some((vkey) => vkey.type === type))
      throw new HoldfastError("config", `${join(dir, VKEY_FILE)} lists no ${type} key; restore it from your backup of the home`);
  const signing = vkeys.map((vkey): SigningKey => {
    const file = join(dir, fileOf(vkey.type));
    const pem = readText(file);
    const mode = statSync(file).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new HoldfastError(
        "config",
        `${file} may be read by others (mode ${mode.toString(8)}); make it private with chmod 600, and consider the key as known to them`,
      );
    const key = signingKeyOf(origin, createPrivateKey(pem));
    if (!key.vkey.pub.equals(vkey.pub)) throw new HoldfastError("config", `${file} is not the private key of the ${vkey.type} key in ${VKEY_FILE}`);
    return key;
  });
  return { origin, vkeys, signing };
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
  linkSync(part, file);
  rmSync(part);
  syncDir(join(file, ".."));
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
