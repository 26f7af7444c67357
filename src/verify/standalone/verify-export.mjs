#!/usr/bin/env node
/**
 * Checks a ledger export or a receipt of Holdfast with nothing of Holdfast: one file, no packages, Node 20 or newer, no network.
 * Written from FORMAT.md and the C2SP texts (signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles, tlog-proof) alone.
 *
 *     node verify-export.mjs DIR [--vkey FILE] [--witness FILE] [--proof FILE --leaf-index N]
 *     node verify-export.mjs --receipt FILE [--vkey FILE] [--evidence FILE]
 *
 * A receipt is the custody.json of `custody --out`, or the exhibit.json beside an object (FORMAT.md §16, §17).
 *
 * Exit status: 0 everything holds · 1 damaged, with what is damaged · 2 wrong usage, or something could not be read or checked.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

const USAGE = `usage: verify-export.mjs DIR [--vkey FILE] [--witness FILE] [--proof FILE --leaf-index N]
       verify-export.mjs --receipt FILE [--vkey FILE] [--evidence FILE]`;
const MAX_RECEIPT = 64 << 20;
const ZERO = "0".repeat(64);
const MAX_NOTE = 1 << 20;

class Damage extends Error {}
class Usage extends Error {}

function damage(where, what) {
  throw new Damage(`${where}: ${what}`);
}

function sha256(...parts) {
  const h = createHash("sha256");
  for (const part of parts) h.update(part);
  return h.digest();
}
const hashLeaf = (leaf) => sha256(Buffer.of(0), leaf);
const hashNode = (left, right) => sha256(Buffer.of(1), left, right);

// ---- bytes and text -------------------------------------------------------------------------------------------------

function utf8(bytes, where) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return damage(where, "is not UTF-8");
  }
}

function unbase64(text, where) {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) damage(where, "holds base64 that is not canonical");
  return bytes;
}

function isRegularFile(path) {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
    throw error;
  }
}

/** Bytes of a file that has to be there and has to have a plausible size. */
function fileOf(path, name, limit) {
  if (!isRegularFile(path)) damage(name, "is missing");
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > limit) damage(name, `has ${size} bytes, and ${limit} at most can be right`);
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; ) {
      const got = readSync(fd, bytes, at, size - at, at);
      if (got === 0) damage(name, "ended while it was read");
      at += got;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

// ---- keys, notes, checkpoints ---------------------------------------------------------------------------------------

const SPKI = { 1: "302a300506032b6570032100", 6: "30820532300b06096086480165030403110382052100" };
const KEY_BYTES = { 1: 32, 6: 1312 };
const KEY_NAME = { 1: "Ed25519", 6: "ML-DSA-44" };

function keysOf(bytes, where) {
  const text = utf8(bytes, where);
  if (!text.endsWith("\n")) damage(where, "does not end with a newline");
  const keys = text
    .slice(0, -1)
    .split("\n")
    .map((line) => {
      const [, until, end, vkey] = /^until (0|[1-9][0-9]{0,15}) (rotated|revoked) (\S+)$/.exec(line) ?? [undefined, undefined, null, line];
      const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(vkey);
      if (match === null) return damage(where, "has a line that is no verifier key");
      const [, name, id, base64] = match;
      const field = unbase64(base64, where);
      const type = field[0];
      if (KEY_BYTES[type] === undefined || field.length !== 1 + KEY_BYTES[type]) damage(where, "has a key of an unknown type or a wrong length");
      const keyId = sha256(name, Buffer.of(10), field).subarray(0, 4);
      if (keyId.toString("hex") !== id) damage(where, "has a key whose id is not its own");
      return {
        name,
        keyId,
        type,
        pub: field.subarray(1),
        key: publicKey(type, field.subarray(1)),
        vkey,
        end,
        until: until === undefined ? Infinity : Number(until),
      };
    });
  if (!keys.some((key) => key.until === Infinity)) damage(where, "lists no key that signs today");
  for (const key of keys) key.from = Math.max(0, ...keys.map(({ until }) => until).filter((until) => until < key.until));
  if (keys.some((key) => key.name !== keys[0].name)) damage(where, "lists keys of several logs");
  if (new Set(keys.map((key) => key.keyId.toString("hex"))).size !== keys.length) damage(where, "lists a key twice");
  return keys;
}

/** Null where this Node (older than 24) has no ML-DSA. */
function publicKey(type, pub) {
  try {
    return createPublicKey({ key: Buffer.concat([Buffer.from(SPKI[type], "hex"), pub]), format: "der", type: "spki" });
  } catch (error) {
    if (type === 6) return null;
    throw error;
  }
}

function u64(n) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(n));
  return bytes;
}

/** Text and signature lines of a signed note; says nothing about who signed. */
function signedNote(bytes, where) {
  if (bytes.length > MAX_NOTE) damage(where, "is too long for a note");
  const text = utf8(bytes, where);
  for (const byte of bytes) if (byte < 0x20 && byte !== 0x0a) damage(where, "holds a control byte");
  const at = text.lastIndexOf("\n\n");
  if (at < 0 || !text.endsWith("\n") || at + 2 === text.length) damage(where, "is not a signed note");
  const body = text.slice(0, at + 1);
  const lines = text.slice(at + 2, -1).split("\n");
  if (lines.length > 64) damage(where, "has more than 64 signature lines");
  const signatures = lines.map((line) => {
    const match = /^\u2014 ([^ +\p{White_Space}]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    if (match === null) return damage(where, "has a signature line of another shape");
    const field = unbase64(match[2], where);
    if (field.length < 5) damage(where, "has an empty signature");
    return { name: match[1], keyId: field.subarray(0, 4), signature: field.subarray(4) };
  });
  return { text, body, signatures };
}

/** The checkpoint of a note, after every key that its size is due to has a good signature on it. `checked` collects what was said about each key. */
function openCheckpoint(bytes, keys, where, checked) {
  const { text, body, signatures } = signedNote(bytes, where);
  const match = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(body);
  if (match === null) damage(where, "is not origin, size and root");
  const [, origin, digits, rootText] = match;
  const size = Number(digits);
  if (!Number.isSafeInteger(size)) damage(where, "has a size past 2^53");
  if (Buffer.byteLength(origin) > 255) damage(where, "has an origin of more than 255 bytes");
  const root = unbase64(rootText, where);
  if (origin !== keys[0].name) damage(where, `is of the log ${JSON.stringify(origin)}, and the keys are of ${JSON.stringify(keys[0].name)}`);
  for (const key of keys.filter(({ from, until }) => from <= size && size < until)) {
    const own = signatures.filter((s) => s.name === key.name && s.keyId.equals(key.keyId));
    const called = `${KEY_NAME[key.type]} key ${key.keyId.toString("hex")}`;
    if (own.length === 0) damage(where, `has no signature of the ${called}`);
    for (const { signature } of own) {
      if (signature.length !== (key.type === 1 ? 64 : 8 + 2420)) damage(where, `has a signature of the ${called} of a wrong length`);
      if (key.key === null) continue;
      const good = key.type === 1 ? verify(null, Buffer.from(body), key.key, signature) : mldsaHolds(key, origin, size, root, signature);
      if (!good) damage(where, `has a signature of the ${called} that does not verify`);
    }
    checked?.push(key.key === null ? `${called}: NOT CHECKED, this Node has no ML-DSA (24 has)` : `${called}: signature good`);
  }
  return { origin, size, root, text };
}

/** Each change of keys in the list needs its act before it, with the old keys' word for the new ones (FORMAT.md section 7). */
class Keys {
  constructor(keys) {
    this.origin = keys[0].name;
    this.changes = [...new Set(keys.map(({ until }) => until).filter((until) => until !== Infinity))].map((at) => ({
      at,
      old: keys.filter(({ until }) => until === at),
      names: keys.filter(({ from }) => from === at).map(({ vkey }) => vkey),
      met: false,
    }));
    this.waiting = 0;
  }
  take(act, seq, where) {
    if (act.act !== "key-rotated" && act.act !== "key-revoked") return;
    const names = act.detail.asked?.keys;
    demand(Array.isArray(names) && names.every((name) => typeof name === "string"), where, "gives the log new keys and does not name them");
    const change = this.changes.find((one) => one.names.join("\n") === names.join("\n"));
    if (change === undefined) {
      this.waiting += 1;
      return;
    }
    demand(seq < change.at, where, `names the keys that sign from size ${change.at} on, and stands behind it`);
    demand(`key-${change.old[0].end}` === act.act, where, `is a ${act.act}, and the list says ${change.old[0].end}`);
    demand(typeof act.detail.succession === "string", where, "has no succession");
    const { body, signatures } = signedNote(Buffer.from(act.detail.succession), `${where}: its succession`);
    demand(body === ["holdfast.succession/v1", this.origin, ...names, ""].join("\n"), where, "has a succession that is not that of its keys");
    for (const { keyId, name, type, key } of change.old) {
      const signature = signatures.find((s) => s.name === name && s.keyId.equals(keyId))?.signature;
      const whole = signature?.length === (type === 1 ? 64 : 2420);
      demand(
        whole && (key === null || verify(null, Buffer.from(body), key, signature)),
        where,
        `has a succession that the ${KEY_NAME[type]} key ${keyId.toString("hex")} did not sign`,
      );
    }
    change.met = true;
  }
  end(size) {
    for (const { at, met } of this.changes) if (at <= size + 1) demand(met, "log.vkey", `says that other keys sign from size ${at} on, and no entry says so`);
  }
}

/** The keys to go by: those that were pinned, or, where they have signed the succession since, the longer list of the export itself. */
function trustedKeys(pinned, theirs, say) {
  const today = pinned.filter(({ until }) => until === Infinity);
  const found = today.map(({ vkey }) => theirs.find((key) => key.vkey === vkey)?.until);
  const [at] = found;
  if (at === undefined || at === Infinity || found.some((until) => until !== at)) return pinned;
  const revoked = theirs.some(({ until, end }) => until >= at && end === "revoked");
  if (revoked) damage("log.vkey", "says that keys were revoked after the pinned ones; take the new keys from someone you trust and pin those");
  say(`the pinned keys were retired before size ${at}; those after them are taken on their signed word`);
  return theirs;
}

function mldsaHolds(key, origin, size, root, field) {
  const time = field.readBigUInt64BE(0);
  if (time > 0x7fffffffffffffffn) return false;
  const name = Buffer.from(origin);
  const counted = Buffer.concat([Buffer.of(name.length), name]);
  const message = Buffer.concat([Buffer.from("subtree/v1\n\0"), counted, u64(time), counted, u64(0), u64(size), root]);
  return verify(null, message, key.key, field.subarray(8));
}

// ---- proofs from outside (FORMAT.md sections 12 and 14) --------------------------------------------------------------

/** Keys of witnesses, one a line: type 4 (Ed25519, cosignature/v1) or 6 (ML-DSA-44). */
function witnessKeysOf(bytes, where) {
  const lines = utf8(bytes, where)
    .split("\n")
    .filter((line) => line !== "");
  if (lines.length === 0) damage(where, "names no witness");
  return lines.map((line) => {
    const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(line);
    if (match === null) return damage(where, "has a line that is no verifier key");
    const field = unbase64(match[3], where);
    const type = { 4: 1, 6: 6 }[field[0]];
    if (type === undefined || field.length !== 1 + KEY_BYTES[type]) damage(where, "has a key that is no witness's (type 4 or 6)");
    const keyId = sha256(match[1], Buffer.of(10), field).subarray(0, 4);
    if (keyId.toString("hex") !== match[2]) damage(where, "has a key whose id is not its own");
    const key = publicKey(type, field.subarray(1));
    if (key === null) throw new Usage(`${where}: the key of ${match[1]} is ML-DSA, which this Node has not (24 has)`);
    return { name: match[1], keyId, type, key };
  });
}

/** The time in Unix seconds at which the witness signed this head, or null where the line does not hold. */
function cosignedAt(witness, { origin, size, root }, body, field) {
  if (field.length !== 8 + (witness.type === 1 ? 64 : 2420)) return null;
  const time = field.readBigUInt64BE(0);
  if (time === 0n || time > 0x7fffffffffffffffn) return null;
  const counted = (name) => Buffer.concat([Buffer.of(Buffer.byteLength(name)), Buffer.from(name)]);
  const message =
    witness.type === 1
      ? Buffer.from(`cosignature/v1\ntime ${time}\n${body}`)
      : Buffer.concat([Buffer.from("subtree/v1\n\0"), counted(witness.name), u64(time), counted(origin), u64(0), u64(size), root]);
  return verify(null, message, witness.key, field.subarray(8)) ? Number(time) : null;
}

/** Every kept head has to be of this log and of this tree; of witnesses whose keys are given, also that they signed. */
class Anchors {
  constructor(keys, head, witnesses) {
    Object.assign(this, { keys, head, witnesses, heads: new Map(), best: new Map(), tokens: new Map(), unknown: 0 });
  }
  note(bytes, where, size) {
    const head = openCheckpoint(bytes, this.keys, where);
    if (head.size !== size) damage(where, `is of size ${head.size}`);
    this.take(head, bytes, where);
  }
  take(head, bytes, where) {
    this.heads.set(head.size, [...(this.heads.get(head.size) ?? []), { where, root: head.root }]);
    const { body, signatures } = signedNote(bytes, where);
    for (const witness of this.witnesses)
      for (const line of signatures.filter((s) => s.name === witness.name && s.keyId.equals(witness.keyId))) {
        const time = cosignedAt(witness, head, body, line.signature);
        if (time === null) damage(where, `has a cosignature of ${witness.name} that does not verify`);
        if (head.size >= (this.best.get(witness)?.size ?? -1)) this.best.set(witness, { size: head.size, time });
      }
  }
  read(dir) {
    if (!isDirectory(join(dir, "anchors"))) return;
    for (const file of readdirSync(join(dir, "anchors")).sort()) {
      const where = `anchors/${file}`;
      const match = /^([0-9]{20})\.(witness|rfc3161)\.([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/.exec(file);
      if (match === null) {
        this.unknown += 1;
        continue;
      }
      const size = Number(match[1]);
      if (size > this.head.size) damage(where, `vouches for ${size} entries, and the checkpoint has ${this.head.size}: an older one was put back`);
      const bytes = fileOf(join(dir, where), where, 1 << 24);
      if (match[2] === "witness") this.note(bytes, where, size);
      else this.token(bytes, where, size, match[3]);
    }
  }
  /** The token's own signature is for openssl; that it is of this note, and the note of this log, is checked. */
  token(bytes, where, size, name) {
    const archive = members(parsed(bytes, where), ["certificates", "crls", "note", "response", "revocation", "sha256", "v"], where, "archive");
    const { sha256: digest, ...rest } = archive;
    demand(archive.v === "holdfast.rfc3161/v1" && isText(archive.note) && isText(archive.response), where, "is not an archived timestamp");
    demand(sha256(canonical(rest, where)).toString("hex") === digest, where, "does not have the digest that it states");
    this.note(Buffer.from(archive.note), where, size);
    demand(unbase64(archive.response, where).includes(sha256(archive.note)), where, "has a response that is not about its note");
    this.tokens.set(name, Math.max(size, this.tokens.get(name) ?? 0));
  }
  reached(size, root) {
    for (const { where, root: theirs } of this.heads.get(size) ?? [])
      if (!theirs.equals(root())) damage(where, `its head of size ${size} is signed and is of another history than the export: a FORK`);
  }
  *end() {
    const time = (seconds) => (seconds > 8.64e12 ? `second ${seconds}` : new Date(seconds * 1000).toISOString());
    for (const [{ name }, found] of this.best)
      yield `${name} cosigned the first ${found.size} of ${this.head.size} entries: signature good, of ${time(found.time)}`;
    for (const [name, size] of this.tokens)
      yield `the timestamp of ${name} is over the first ${size} of ${this.head.size} entries; its signature is NOT CHECKED here: openssl ts -verify does`;
    if (this.unknown > 0) yield `${this.unknown} files under anchors/ are of a kind that this verifier does not know`;
  }
  /** Whoever names a witness wants its word. */
  demandAll() {
    for (const witness of this.witnesses) if (!this.best.has(witness)) throw new Usage(`the export holds no cosignature of ${witness.name}`);
  }
}

// ---- the tree -------------------------------------------------------------------------------------------------------

function tileName(level, n, width) {
  let digits = String(n);
  digits = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = digits.match(/.{3}/g);
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join("/");
  return `tile/${level}/${path}${width === 256 ? "" : `.p/${width}`}`;
}

/** Grows leaf by leaf; keeps one hash a height and one unfinished tile a level. */
class Tree {
  constructor(onTile) {
    this.size = 0;
    this.stack = [];
    this.rows = [];
    this.onTile = onTile;
  }
  add(leafHash) {
    this.#row(0, leafHash);
    let node = leafHash;
    let height = 0;
    for (let n = this.size; n % 2 === 1; n = Math.floor(n / 2)) {
      node = hashNode(this.stack[height], node);
      this.stack[height] = null;
      height += 1;
      if (height % 8 === 0) this.#row(height / 8, node);
    }
    this.stack[height] = node;
    this.size += 1;
  }
  #row(level, hash) {
    this.rows[level] ??= { n: 0, hashes: [] };
    const row = this.rows[level];
    row.hashes.push(hash);
    if (row.hashes.length === 256) {
      this.onTile(level, row.n, Buffer.concat(row.hashes), 256);
      row.n += 1;
      row.hashes = [];
    }
  }
  end() {
    for (const [level, row] of this.rows.entries()) if (row.hashes.length > 0) this.onTile(level, row.n, Buffer.concat(row.hashes), row.hashes.length);
  }
  root() {
    let root = null;
    for (const node of this.stack) if (node) root = root === null ? node : hashNode(node, root);
    return root ?? sha256("");
  }
}

// ---- the leaves -----------------------------------------------------------------------------------------------------

/** RFC 8785 text of a parsed value; refuses what FORMAT.md §2 does not allow in a leaf. */
function canonical(value, where, depth = 0) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) damage(where, "holds a number that is no safe integer");
    return String(value);
  }
  if (typeof value === "string") {
    if (/[\u{D800}-\u{DFFF}]/u.test(value)) damage(where, "holds a lone surrogate");
    if (value.normalize("NFC") !== value) damage(where, "holds text that is not in Unicode NFC");
    return JSON.stringify(value);
  }
  if (depth >= 32) damage(where, "is nested deeper than 32");
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, where, depth + 1)).join(",")}]`;
  const names = Object.keys(value).sort();
  if (names.includes("__proto__")) damage(where, "has a member __proto__");
  return `{${names.map((name) => `${canonical(name, where)}:${canonical(value[name], where, depth + 1)}`).join(",")}}`;
}

function parsed(bytes, where) {
  const text = utf8(bytes, where);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    damage(where, "is not JSON");
  }
  if (canonical(value, where) !== text) damage(where, "is not in canonical form (RFC 8785)");
  return value;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
function members(value, names, where, what) {
  if (!isObject(value) || Object.keys(value).sort().join() !== [...names].sort().join())
    damage(where, `its ${what} has not exactly the members ${names.join(", ")}`);
  return value;
}
function demand(condition, where, what) {
  if (!condition) damage(where, what);
}
const isText = (value) => typeof value === "string";
const isFilled = (value) => isText(value) && value !== "";
const nullOr = (test) => (value) => value === null || test(value);
const isDigits = (value) => isText(value) && /^[0-9]+$/.test(value);
const isHex = (value) => isText(value) && /^[0-9a-f]{64}$/.test(value);
const isCount = (value) => typeof value === "number" && value >= 0;
const isDecimal = (value) => isText(value) && /^-?[0-9]+(\.[0-9]+)?$/.test(value);
/** A day and an hour that exist: what is printed again is the same. */
const isTime = (value) => isText(value) && /^(?!0000)[0-9]{4}-/.test(value) && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value;
const isOneOf =
  (...all) =>
  (value) =>
    all.includes(value);
const isTexts = (value) => Array.isArray(value) && value.every(isText);
const CASE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const isCase = (value) => isText(value) && CASE.test(value);

/** FORMAT.md §4. Later releases add names: those are told, not refused. */
const ACTS = new Set(
  "home-made case-opened note planned started collected empty source-disabled denied unavailable truncated failed sealed accessed verified held retention-extended resumed intended changed undone cancelled cleaned finished refused actor-enrolled actor-revoked requested approved hold-cleared retention-cut released transferred acknowledged corrected disposed unredacted-exported key-rotated key-revoked key-backed-up restored".split(
    " ",
  ),
);

const PREDICATE = {
  act: (value) => isText(value) && /^[a-z]+(-[a-z]+)*$/.test(value),
  actor: isObject,
  authority: nullOr(isText),
  case: nullOr(isCase),
  clock: isObject,
  collection: nullOr(isFilled),
  detail: isObject,
  digests: isObject,
  exhibits: Array.isArray,
  lease: nullOr(isCount),
  once: nullOr(isFilled),
  reason: nullOr(isText),
  requestIds: isTexts,
  step: nullOr(isFilled),
  stored: nullOr(isObject),
  target: nullOr(isFilled),
  time: isTime,
  tool: isObject,
};
const STORED = {
  bytes: isDigits,
  checksum: isObject,
  encoding: isOneOf("identity", "zstd"),
  legalHold: nullOr((value) => typeof value === "boolean"),
  lock: isOneOf("irrevocable", "bypassable", "removable", "none", "unknown"),
  mode: nullOr(isOneOf("compliance", "governance", "locked", "unlocked", "directory", "snapshot")),
  problems: isTexts,
  requestIds: isTexts,
  retainUntil: nullOr(isText),
  sealed: (value) => typeof value === "boolean",
  text: isText,
  uri: isFilled,
  version: nullOr(isText),
};
const CHECKSUM = { algorithm: isOneOf("sha256"), partSize: isDigits, type: isOneOf("full", "composite"), value: isText };
const ACTOR = { id: isFilled, kind: isOneOf("person", "machine"), proof: isOneOf("signed", "oidc", "asserted") };
const CLOCK = { offsetMs: nullOr(isDecimal), source: isFilled, uncertaintyMs: nullOr(isDecimal) };
const TOOL = { name: isFilled, sha256: isHex, version: isFilled };
const LINK = { exhibit_prev: isHex, exhibit_seq: isCount, id: isText };

function shaped(value, shape, where, what) {
  members(value, Object.keys(shape), where, what);
  for (const [name, test] of Object.entries(shape)) demand(test(value[name]), where, `the ${name} of its ${what} is malformed`);
}

function exhibitParts(id, where) {
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})\/([0-9]{3,9})$/.exec(id);
  if (match === null || String(Number(match[2])).padStart(3, "0") !== match[2]) damage(where, `names ${JSON.stringify(id)}, which is no exhibit id`);
  return { caseId: match[1], number: Number(match[2]) };
}

function subjectOf(predicate, origin) {
  const ids = Object.keys(predicate.digests).sort();
  if (ids.length > 0) return ids.map((id) => ({ digest: { sha256: predicate.digests[id].sha256 }, name: id }));
  const name = predicate.case ?? origin;
  return [{ annotations: { digestOf: "name" }, digest: { sha256: sha256(name).toString("hex") }, name }];
}

/** The act in a leaf, after everything that FORMAT.md §2 and §3 demand of it. */
function actOf(leaf, origin, where) {
  const envelope = members(parsed(leaf, where), ["nonce", "payload", "payloadType", "signatures", "v"], where, "envelope");
  demand(envelope.v === "holdfast.custody/v1", where, "is of an unknown version");
  demand(envelope.payloadType === "application/vnd.in-toto+json", where, "has another payload type");
  demand(isText(envelope.nonce) && unbase64(envelope.nonce, where).length === 16, where, "has a nonce that is not 16 bytes");
  demand(Array.isArray(envelope.signatures), where, "has no list of signatures");
  for (const signature of envelope.signatures) {
    shaped(signature, { keyid: isText, sig: isText }, where, "signature");
    unbase64(signature.sig, where);
  }
  demand(isText(envelope.payload), where, "has no payload");
  const statement = members(parsed(unbase64(envelope.payload, where), where), ["_type", "predicate", "predicateType", "subject"], where, "statement");
  demand(statement._type === "https://in-toto.io/Statement/v1" && statement.predicateType === "urn:holdfast:act:v1", where, "is a statement of another type");
  const { predicate } = statement;
  shaped(predicate, PREDICATE, where, "predicate");
  shaped(predicate.actor, ACTOR, where, "actor");
  shaped(predicate.clock, CLOCK, where, "clock");
  shaped(predicate.tool, TOOL, where, "tool");
  if (predicate.stored !== null) {
    shaped(predicate.stored, STORED, where, "stored");
    shaped(predicate.stored.checksum, CHECKSUM, where, "checksum");
  }
  for (const link of predicate.exhibits) shaped(link, LINK, where, "exhibit");
  const ids = predicate.exhibits.map((link) => link.id);
  demand(new Set(ids).size === ids.length, where, "names an exhibit twice");
  for (const [id, digest] of Object.entries(predicate.digests)) {
    demand(ids.includes(id), where, "has a digest of an exhibit that it is not about");
    shaped(digest, { bytes: isDigits, sha256: isHex }, where, "digest");
  }
  const due = predicate.actor.proof === "signed" ? 1 : 0;
  demand(envelope.signatures.length === due, where, `has ${envelope.signatures.length} signatures, and its actor's proof is ${predicate.actor.proof}`);
  demand(predicate.lease === null || predicate.collection !== null, where, "has a lease and no collection");
  demand(
    canonical(statement.subject, where) === canonical(subjectOf(predicate, origin), where),
    where,
    "has a subject that does not follow from its predicate",
  );
  return predicate;
}

// ---- actors, their signatures, and what needs two persons: FORMAT.md §13 --------------------------------------------

/** RFC 4251 §5, as far as keys and signatures use it. */
class Wire {
  constructor(bytes, where) {
    this.bytes = bytes;
    this.at = 0;
    this.where = where;
  }
  take(length) {
    demand(this.at + length <= this.bytes.length, this.where, "has a key or signature that ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  byte() {
    return this.take(1)[0];
  }
  u32() {
    return this.take(4).readUInt32BE();
  }
  string() {
    return this.take(this.u32());
  }
  text() {
    return this.string().toString("latin1");
  }
  /** A positive mpint in its shortest form. */
  mpint() {
    const number = this.string();
    const shortest = number.length > 0 && number[0] < 0x80 && (number[0] !== 0 || (number.length > 1 && number[1] >= 0x80));
    demand(shortest, this.where, "has a number in a key or signature that is not a positive mpint");
    return number[0] === 0 ? number.subarray(1) : number;
  }
  end() {
    demand(this.at === this.bytes.length, this.where, "has a key or signature that goes on after its end");
  }
}

const wireString = (bytes) => {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};
const CURVES = { nistp256: ["P-256", 32, "sha256"], nistp384: ["P-384", 48, "sha384"], nistp521: ["P-521", 66, "sha512"] };
function jwk(key, where) {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    return damage(where, "has a key that is none");
  }
}

/** A public key from its wire form: what verifies with it, and its fingerprint. */
function sshKey(blob, where) {
  const wire = new Wire(blob, where);
  const type = wire.text();
  const fido = type.startsWith("sk-");
  let key;
  let holds;
  if (type === "ssh-ed25519" || type === "sk-ssh-ed25519@openssh.com") {
    const x = wire.string();
    demand(x.length === 32, where, "has an Ed25519 key of a wrong length");
    key = jwk({ kty: "OKP", crv: "Ed25519", x: x.toString("base64url") }, where);
    holds = (name, data, signature) => name === type && signature.length === 64 && verify(null, data, key, signature);
  } else if (/^(ecdsa-sha2-nistp(256|384|521)|sk-ecdsa-sha2-nistp256@openssh\.com)$/.test(type)) {
    const curve = wire.text();
    demand(type.includes(`-${curve}`) && CURVES[curve] !== undefined, where, "has a key on another curve than it says");
    const [crv, width, hash] = CURVES[curve];
    const point = wire.string();
    demand(point.length === 1 + 2 * width && point[0] === 4, where, "has a key that is no uncompressed point");
    key = jwk({ kty: "EC", crv, x: point.subarray(1, 1 + width).toString("base64url"), y: point.subarray(1 + width).toString("base64url") }, where);
    holds = (name, data, signature) => {
      const numbers = new Wire(signature, where);
      const pair = [numbers.mpint(), numbers.mpint()];
      numbers.end();
      if (name !== type || pair.some((n) => n.length > width)) return false;
      const fixed = Buffer.concat(pair.map((n) => Buffer.concat([Buffer.alloc(width - n.length), n])));
      return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, fixed);
    };
  } else if (type === "ssh-rsa") {
    const [e, n] = [wire.mpint(), wire.mpint()];
    demand(n.length * 8 - Math.clz32(n[0]) + 24 >= 3072, where, "has an RSA key of fewer than 3072 bits");
    key = jwk({ kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") }, where);
    holds = (name, data, signature) => {
      if (name !== "rsa-sha2-512" && name !== "rsa-sha2-256") return false;
      return verify(name === "rsa-sha2-512" ? "sha512" : "sha256", data, key, signature);
    };
  } else damage(where, `has a key of the unknown type ${JSON.stringify(type)}`);
  const application = fido ? wire.string() : null;
  wire.end();
  return { type, blob, application, holds, print: `SHA256:${sha256(blob).toString("base64").replace(/=+$/, "")}` };
}

/** The fingerprint of the key whose SSHSIG stands over the message (OpenSSH, PROTOCOL.sshsig). */
function sshsigSigner(blob, message, where) {
  demand(blob.subarray(0, 6).toString("latin1") === "SSHSIG", where, "has a signature that is no SSHSIG");
  const wire = new Wire(blob.subarray(6), where);
  demand(wire.u32() === 1, where, "has an SSHSIG of an unknown version");
  const key = sshKey(wire.string(), where);
  demand(wire.text() === "holdfast" && wire.text() === "", where, "has a signature that was made for something else");
  const hash = wire.text();
  demand(hash === "sha512" || hash === "sha256", where, "has a signature over an unknown hash");
  const field = new Wire(wire.string(), where);
  wire.end();
  const digest = createHash(hash).update(message).digest();
  let data = Buffer.concat([Buffer.from("SSHSIG"), ...["holdfast", "", hash, digest].map(wireString)]);
  const name = field.text();
  const signature = field.string();
  // PROTOCOL.u2f: a FIDO key signs its application, flags and counter with the data.
  if (key.application !== null) data = Buffer.concat([sha256(key.application), field.take(5), sha256(data)]);
  field.end();
  demand(key.holds(name, data, signature), where, `has a signature of ${key.print} that does not verify`);
  return key.print;
}

/** Who signed a leaf that has its form: a fingerprint, or null. */
function signerOf(leaf, where) {
  const { signatures, payload, payloadType } = JSON.parse(leaf.toString("utf8"));
  if (signatures.length === 0) return null;
  const statement = Buffer.from(payload, "base64");
  const pae = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${statement.length} `), statement]);
  const print = sshsigSigner(Buffer.from(signatures[0].sig, "base64"), pae, where);
  demand(print === signatures[0].keyid, where, `names the key ${signatures[0].keyid}, and ${print} signed`);
  return print;
}

const TWO_PERSONS = ["hold-cleared", "retention-cut", "released", "disposed", "unredacted-exported", "key-rotated", "actor-enrolled", "actor-revoked"];
const SIGNED = ["actor-enrolled", "actor-revoked", "requested", "approved", "acknowledged"];
const HOURS_72 = 72 * 3_600_000;

class Actors {
  constructor(origin) {
    this.origin = origin;
    this.keys = new Map(); // fingerprint: {id, kind, revoked}
    this.ids = new Set(); // everybody who was ever enrolled
    this.registered = 0; // acts about actors
    this.requests = [];
    this.transfers = [];
    this.signatures = 0;
  }
  take(act, signer, seq, hash, where) {
    if (signer !== null) this.signatures += 1;
    this.#whose(act, signer, seq, where);
    if (act.act === "requested") this.#request(act, signer, hash, where);
    else if (act.act === "approved") this.#approval(act, where);
    else if (act.act === "transferred") this.#transfer(act, hash, where);
    else if (act.act === "acknowledged") this.#acknowledgement(act, where);
    else if (TWO_PERSONS.includes(act.act)) this.#effect(act, where);
    else demand(act.once === null || !/^(actors|request|transfer)\//.test(act.once), where, `is an act ${act.act} under the name ${act.once}`);
  }
  #whose(act, signer, seq, where) {
    const { id, kind } = act.actor;
    if (signer === null) {
      demand(!this.ids.has(id), where, `is an act of ${id}, who is enrolled, without a signature`);
      demand(!SIGNED.includes(act.act), where, `is an act ${act.act} without a signature`);
      return;
    }
    const place = act.detail.entry;
    demand(isObject(place) && place.log === this.origin && place.seq === String(seq), where, "carries a signature for another entry or another log");
    const key = this.keys.get(signer);
    if (key === undefined) {
      const own = (act.act === "actor-enrolled" || (act.act === "requested" && act.detail.act === "actor-enrolled")) && this.#enrolled(act, where);
      demand(
        own && own.id === id && own.kind === kind && kind === "person" && own.print === signer,
        where,
        `is signed for ${id} with ${signer}, which is not enrolled`,
      );
      return;
    }
    demand(key.id === id && key.kind === kind, where, `is signed for ${id} (${kind}) with the key of ${key.id} (${key.kind})`);
    demand(!key.revoked, where, `is signed for ${id} with ${signer}, which was revoked`);
  }
  /** `asked` of an enrolment or a revocation. */
  #asked(act, names, where) {
    const asked = members(act.detail.asked, names, where, "detail.asked");
    demand(isFilled(asked.id) && isText(asked.key), where, "asks for an actor without id or key");
    const [type, base64, ...more] = asked.key.split(" ");
    const key = sshKey(unbase64(base64 ?? "", where), where);
    demand(key.type === type && more.length === 0, where, "names a key that is not of its type");
    return { ...asked, print: key.print };
  }
  #enrolled(act, where) {
    const asked = this.#asked(act, ["id", "key", "kind"], where);
    demand(asked.kind === "person" || asked.kind === "machine", where, "enrols neither a person nor a machine");
    return asked;
  }
  #possible(name, act, where) {
    if (name === "actor-enrolled") {
      const asked = this.#enrolled(act, where);
      demand(asked.id !== "holdfast" && !this.keys.has(asked.print), where, `enrols ${asked.id} with a key or a name that is taken`);
      return asked;
    }
    const asked = this.#asked(act, ["id", "key"], where);
    const key = this.keys.get(asked.print);
    demand(key !== undefined && key.id === asked.id && !key.revoked, where, `revokes a key that ${asked.id} has not`);
    return asked;
  }
  #request(act, signer, hash, where) {
    const number = String(this.requests.length + 1);
    demand(act.detail.request === number && act.once === `request/${number}`, where, `is not numbered as request ${number}`);
    demand(TWO_PERSONS.includes(act.detail.act), where, "asks for what needs no second person");
    demand(act.actor.kind === "person" && act.reason !== null && act.reason.trim() !== "", where, "asks as a machine or without a reason");
    if (act.detail.act.startsWith("actor-")) this.#possible(act.detail.act, act, where);
    this.requests.push({ act, signer, hash: hash.toString("hex"), approved: false, done: false });
  }
  #asks(act, where) {
    const number = act.detail.request;
    demand(isText(number) && /^[1-9][0-9]{0,8}$/.test(number), where, `is an act ${act.act} that follows no request`);
    const request = this.requests[Number(number) - 1];
    demand(request !== undefined, where, `follows the request ${number}, which is not there`);
    demand(Date.parse(act.time) - Date.parse(request.act.time) <= HOURS_72, where, `comes more than 72 h after request ${number}`);
    return { number, request };
  }
  #approval(act, where) {
    const { number, request } = this.#asks(act, where);
    demand(act.once === `request/${number}/approved`, where, "is an approval under another name");
    demand(act.detail.hash === request.hash, where, `approves another request than ${number}`);
    demand(act.actor.kind === "person", where, "is the approval of a machine");
    demand(act.actor.id !== request.act.actor.id, where, "is an approval by the one who asked"); // a key has one id: another id is another key
    demand(!request.approved && !request.done, where, `approves request ${number} again`);
    request.approved = true;
  }
  #effect(act, where) {
    const registers = act.act.startsWith("actor-");
    if (registers) demand(act.once === `actors/${this.registered}`, where, `is not named actors/${this.registered}`);
    if (act.act === "actor-enrolled" && this.registered === 0) demand(act.detail.request === null, where, "is the first enrolment and follows a request");
    else {
      const { number, request } = this.#asks(act, where);
      demand(registers || act.once === `request/${number}/done`, where, `is not named request/${number}/done`);
      demand(!request.done, where, `carries out request ${number} again`);
      demand(request.approved, where, `carries out request ${number}, which no second person has approved`);
      demand(act.actor.id === request.act.actor.id, where, `carries out the request of ${request.act.actor.id}`);
      demand(this.#wish(act, act.act, where) === this.#wish(request.act, request.act.detail.act, where), where, `is not what request ${number} asked for`);
      request.done = true;
    }
    if (!registers) return;
    const asked = this.#possible(act.act, act, where);
    this.registered += 1;
    this.ids.add(asked.id);
    this.keys.set(
      asked.print,
      act.act === "actor-enrolled" ? { id: asked.id, kind: asked.kind, revoked: false } : { ...this.keys.get(asked.print), revoked: true },
    );
  }
  #wish(act, name, where) {
    const exhibits = act.exhibits.map((link) => link.id).sort();
    return canonical(
      { asked: act.detail.asked ?? null, authority: act.authority, case: act.case, exhibits, name, reason: act.reason, target: act.target },
      where,
    );
  }
  #transfer(act, hash, where) {
    const number = String(this.transfers.length + 1);
    demand(act.detail.transfer === number && act.once === `transfer/${number}`, where, `is not numbered as transfer ${number}`);
    demand(isText(act.detail.to) && act.exhibits.length > 0, where, "is a transfer without receiver or exhibit");
    this.transfers.push({ act, hash: hash.toString("hex") });
  }
  #acknowledgement(act, where) {
    const number = act.detail.transfer;
    const transfer = isText(number) && /^[1-9][0-9]{0,8}$/.test(number) ? this.transfers[Number(number) - 1] : undefined;
    demand(transfer !== undefined, where, "acknowledges a transfer that is not there");
    demand(act.once === `transfer/${number}/acknowledged` && act.detail.hash === transfer.hash, where, `acknowledges another transfer than ${number}`);
    demand(act.actor.id === transfer.act.detail.to, where, `acknowledges a transfer to ${transfer.act.detail.to}`);
    const about = (one) =>
      one.exhibits
        .map((link) => link.id)
        .sort()
        .join();
    demand(about(act) === about(transfer.act), where, `acknowledges other exhibits than those of transfer ${number}`);
  }
}

/** FORMAT.md §3 to §5: what acts say about one another. */
class Custody {
  constructor() {
    this.cases = new Map();
    this.exhibits = new Map();
    this.once = new Set();
    this.leases = new Map();
    this.unknown = new Map();
  }
  take(act, hash, where) {
    if (!ACTS.has(act.act)) this.unknown.set(act.act, (this.unknown.get(act.act) ?? 0) + 1);
    if (act.once !== null) {
      demand(!this.once.has(act.once), where, `is the second act named ${JSON.stringify(act.once)}`);
      this.once.add(act.once);
    }
    if (act.lease !== null) {
      demand(act.lease >= (this.leases.get(act.collection) ?? 0), where, "has a lease older than one before it");
      this.leases.set(act.collection, act.lease);
    }
    if (act.act === "case-opened") this.#open(act, where);
    for (const link of act.exhibits) this.#link(link, hash, where);
  }
  #open(act, where) {
    demand(act.case !== null, where, "opens no case");
    demand(!this.cases.has(act.case), where, `opens the case ${act.case} a second time`);
    const { severity, sensitivity } = act.detail;
    demand(["low", "medium", "high", "critical"].includes(severity), where, "has no known severity");
    demand(["public", "internal", "confidential", "restricted"].includes(sensitivity), where, "has no known sensitivity");
    for (const name of ["title", "jurisdiction", "retention"]) demand(nullOr(isText)(act.detail[name] ?? null), where, `has a ${name} that is no text`);
    this.cases.set(act.case, 0);
  }
  #link(link, hash, where) {
    const { caseId, number } = exhibitParts(link.id, where);
    const before = this.exhibits.get(link.id);
    if (link.exhibit_seq === 0) {
      demand(before === undefined && link.exhibit_prev === ZERO, where, `begins the chain of ${link.id}, which has begun`);
      demand(this.cases.has(caseId), where, `begins ${link.id}, whose case was not opened before`);
      const due = this.cases.get(caseId) + 1;
      demand(number === due, where, `begins ${link.id} where number ${due} was next`);
      this.cases.set(caseId, due);
    } else {
      const follows = before !== undefined && before.seq === link.exhibit_seq - 1 && before.hash === link.exhibit_prev;
      demand(follows, where, `says it is act ${link.exhibit_seq} of ${link.id}, and does not follow the act before`);
    }
    this.exhibits.set(link.id, { seq: link.exhibit_seq, hash: hash.toString("hex") });
  }
}

// ---- the export -----------------------------------------------------------------------------------------------------

/** Every file under tile/ has to be one that the size gives, or an earlier, shorter form of one. */
function strayFiles(dir, size) {
  const names = [];
  const walk = (relative) => {
    for (const entry of readdirSync(join(dir, relative), { withFileTypes: true })) {
      if (entry.isDirectory()) walk(`${relative}/${entry.name}`);
      else names.push(`${relative}/${entry.name}`);
    }
  };
  if (isDirectory(join(dir, "tile"))) walk("tile");
  const stray = names.sort().find((name) => !belongs(name, size));
  if (stray !== undefined) damage(stray, `does not belong to a log of ${size} entries (an interrupted export leaves such files: run it again)`);
}

function isDirectory(path) {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
    throw error;
  }
}

function belongs(name, size) {
  const match = /^tile\/([0-9]{1,2}|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(name);
  if (match === null) return false;
  const level = match[1] === "entries" ? 0 : Number(match[1]);
  const n = Number(match[2].replace(/[x/]/g, ""));
  const width = match[3] === undefined ? 256 : Number(match[3]);
  if (width > 256 || tileName(match[1], n, width) !== name) return false;
  return n * 256 + width <= Math.floor(size / 256 ** level);
}

/** The tile of the tree has to be there; earlier partial forms of it, if they are there, have to be its beginning. */
function checkTile(dir, level, n, data, width) {
  const name = tileName(level, n, width);
  if (!fileOf(join(dir, name), name, 8192).equals(data)) damage(name, "does not follow from the entries");
  for (const [shorter, bytes] of partials(dir, level, n, width, 8192))
    if (!bytes.equals(data.subarray(0, shorter * 32))) damage(tileName(level, n, shorter), "does not follow from the entries");
}

function* partials(dir, level, n, width, limit) {
  const folder = tileName(level, n, 1).slice(0, -2);
  if (!isDirectory(join(dir, folder))) return;
  for (const file of readdirSync(join(dir, folder))) {
    const shorter = Number(file);
    if (shorter < width) yield [shorter, fileOf(join(dir, folder, file), `${folder}/${file}`, limit)];
  }
}

function bundleOf(dir, n, count) {
  const name = tileName("entries", n, count);
  const bytes = fileOf(join(dir, name), name, 256 * 65537);
  const leaves = [];
  let at = 0;
  const ends = [];
  while (leaves.length < count) {
    if (at + 2 > bytes.length) damage(name, `ends inside its entry ${leaves.length} of ${count}`);
    const length = bytes.readUInt16BE(at);
    if (length === 0) damage(name, "holds an empty entry");
    if (at + 2 + length > bytes.length) damage(name, `ends inside its entry ${leaves.length} of ${count}`);
    leaves.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    ends.push(at);
  }
  if (at !== bytes.length) damage(name, `goes on after its ${count} entries`);
  for (const [shorter, earlier] of partials(dir, "entries", n, count, 256 * 65537))
    if (!earlier.equals(bytes.subarray(0, ends[shorter - 1]))) damage(tileName("entries", n, shorter), "is not the beginning of its longer form");
  return leaves;
}

/** tlog-proof: one spelling only. */
function proofOf(bytes, keys, where) {
  if (bytes.length > MAX_NOTE) damage(where, "is too long for a proof");
  const text = utf8(bytes, where);
  const at = text.indexOf("\n\n");
  if (at < 0) damage(where, "has no blank line");
  const lines = text.slice(0, at).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") damage(where, "is not a tlog-proof");
  if (lines[0]?.startsWith("extra ")) unbase64(lines.shift().slice(6), where);
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined) damage(where, "has no index line");
  const hashes = lines.map((line) => {
    const hash = unbase64(line, where);
    if (hash.length !== 32) damage(where, "has a line that is no hash");
    return hash;
  });
  return { index: Number(index), hashes, checkpoint: openCheckpoint(Buffer.from(text.slice(at + 2)), keys, `${where}: its checkpoint`) };
}

/** RFC 6962 §2.1.1: up from the leaf, with exactly as many hashes as index and size give. */
function rootFrom(leaf, index, size, hashes, where) {
  let node = leaf;
  let used = 0;
  for (let at = index, last = size - 1; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
    if (at === last && at % 2 === 0) continue; // no sibling at this height
    const sibling = hashes[used];
    if (sibling === undefined) damage(where, "has too few hashes");
    used += 1;
    node = at % 2 === 1 ? hashNode(sibling, node) : hashNode(node, sibling);
  }
  if (used !== hashes.length) damage(where, "has too many hashes");
  return node;
}

function verifyExport(options, say) {
  const { dir } = options;
  if (!isDirectory(dir)) throw new Usage(`${dir} is no folder`);
  let keys;
  if (options.vkey === null) {
    keys = keysOf(fileOf(join(dir, "log.vkey"), "log.vkey", MAX_NOTE), "log.vkey");
    say("the keys are those of the export itself and prove nothing about who made it; pin them with --vkey");
  } else {
    try {
      keys = keysOf(readFileSync(options.vkey), options.vkey);
    } catch (error) {
      throw new Usage(error.message);
    }
    if (existsSync(join(dir, "log.vkey"))) keys = trustedKeys(keys, keysOf(fileOf(join(dir, "log.vkey"), "log.vkey", MAX_NOTE), "log.vkey"), say);
  }
  if (keys.every((key) => key.key === null)) throw new Usage("none of the keys can be used by this Node; give it an Ed25519 key, or use Node 24");
  const checked = [];
  const note = fileOf(join(dir, "checkpoint"), "checkpoint", MAX_NOTE);
  const head = openCheckpoint(note, keys, "checkpoint", checked);
  const proof = options.proof === null ? null : proofOf(readFileSync(options.proof), keys, "proof");
  strayFiles(dir, head.size);
  let witnesses = [];
  try {
    if (options.witness !== null) witnesses = witnessKeysOf(readFileSync(options.witness), options.witness);
  } catch (error) {
    throw new Usage(error.message);
  }
  const anchors = new Anchors(keys, head, witnesses);
  anchors.take(head, note, "checkpoint");
  anchors.read(dir);

  const changes = new Keys(keys);
  const custody = new Custody();
  const actors = new Actors(head.origin);
  const tree = new Tree((level, n, data, width) => checkTile(dir, level, n, data, width));
  let proven = null;
  let rootThen = proof?.checkpoint.size === 0 ? tree.root() : null;
  for (let n = 0; n * 256 < head.size; n += 1) {
    for (const leaf of bundleOf(dir, n, Math.min(256, head.size - n * 256))) {
      const where = `entry ${tree.size}`;
      const hash = hashLeaf(leaf);
      const act = actOf(leaf, head.origin, where);
      custody.take(act, hash, where);
      changes.take(act, tree.size, where);
      actors.take(act, signerOf(leaf, where), tree.size, hash, where);
      if (tree.size === options.index) proven = hash;
      tree.add(hash);
      if (tree.size === proof?.checkpoint.size) rootThen = tree.root();
      if (tree.size < head.size) anchors.reached(tree.size, () => tree.root());
    }
  }
  tree.end();
  if (!tree.root().equals(head.root))
    damage("checkpoint", `the ${head.size} entries give the root ${tree.root().toString("base64")}, not the one that is signed`);
  anchors.reached(head.size, () => tree.root());
  changes.end(tree.size);
  for (const line of checked) say(line);
  for (const line of anchors.end()) say(line);
  say(`${tree.size} entries, ${custody.cases.size} cases, ${custody.exhibits.size} exhibits, their chains without a gap`);
  if (actors.registered > 0)
    say(
      `${actors.signatures} acts signed by their actors, all signatures good; ${actors.ids.size} actors, ${actors.requests.length} requests to a second person`,
    );
  for (const [name, count] of [...custody.unknown].sort())
    say(`${count} acts are named ${name}, which this verifier does not know; their form and place were checked`);
  if (changes.waiting > 0) say(`${changes.waiting} acts give the log new keys that do not sign yet`);
  if (proof !== null) say(checkProof(proof, options.index, proven, rootThen));
  anchors.demandAll();
  return `intact: ${head.origin} size ${head.size} root ${head.root.toString("base64")}`;
}

function checkProof(proof, index, leaf, rootThen) {
  if (proof.index !== index) damage("proof", `is of entry ${proof.index}, not of ${index}`);
  if (leaf === null) throw new Usage(`the export has no entry ${index}`);
  const { size, root } = proof.checkpoint;
  if (index >= size) damage("proof", `its checkpoint of size ${size} has no entry ${index}`);
  if (!rootFrom(leaf, index, size, proof.hashes, "proof").equals(root)) damage("proof", `does not lead from entry ${index} to the root of its checkpoint`);
  if (rootThen === null) return `proof of entry ${index} good, under a checkpoint of size ${size} that is newer than the export`;
  if (!rootThen.equals(root)) damage("proof", `its checkpoint of size ${size} is signed and is of another history than the export: a FORK`);
  return `proof of entry ${index} good, and its checkpoint of size ${size} is one of this log`;
}

// ---- a receipt: FORMAT.md §16 and §17 -------------------------------------------------------------------------------

const isIndex = (value) => isText(value) && /^(0|[1-9][0-9]{0,15})$/.test(value);
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** Names are written by others, and may hold what moves a terminal. */
const quoted = (text) => JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

function receiptOf(file) {
  const bytes = readFileSync(file);
  if (bytes.length > MAX_RECEIPT) damage(file, "is too long for a receipt");
  let receipt;
  try {
    receipt = JSON.parse(utf8(bytes, file));
  } catch (error) {
    if (error instanceof Damage) throw error;
    damage(file, "is not JSON");
  }
  demand(isRecord(receipt) && ["holdfast.custody/1", "holdfast.exhibit/1"].includes(receipt.schema), file, "is no receipt of a known form");
  demand(isText(receipt.origin) && isText(receipt.checkpoint) && isTexts(receipt.vkeys), file, "lacks origin, vkeys or checkpoint");
  const { acts, proofs = [], exhibit } = receipt;
  demand(Array.isArray(acts) && acts.length > 0 && acts.every(isRecord), file, "has no acts");
  for (const act of acts) demand(isIndex(act.seq) && isText(act.leaf) && isTexts(act.path), file, "has an act without seq, leaf or path");
  demand(Array.isArray(proofs), file, "has proofs of another shape");
  for (const proof of proofs) {
    const isAnchor = (value) => isText(value) && /^[A-Za-z0-9:._-]{1,100}$/.test(value);
    shaped(proof, { anchor: isAnchor, size: isIndex, bytes: isText, acts: Array.isArray }, file, "proof");
    for (const act of proof.acts) shaped(act, { seq: isText, path: isTexts }, file, "proof");
  }
  const id = isRecord(exhibit) ? exhibit.id : exhibit;
  demand(isText(id), file, "names no exhibit");
  exhibitParts(id, file);
  return { ...receipt, proofs, id, said: isRecord(exhibit) ? exhibit : null };
}

function pathOf(lines, where) {
  return lines.map((line) => {
    const hash = unbase64(line, where);
    if (hash.length !== 32) damage(where, "has a path with something that is no hash");
    return hash;
  });
}

/** What people read has to be what was signed. */
function saidOtherwise(said, act, hash, where) {
  for (const name of [
    ...["act", "time", "clock", "actor", "reason", "authority", "tool", "target"],
    ...["case", "collection", "digests", "stored", "requestIds", "detail"],
  ])
    demand(said[name] === undefined || canonical(said[name], where) === canonical(act[name], where), where, `says another ${name} than its leaf`);
  demand(said.leafHash === undefined || said.leafHash === hash.toString("base64"), where, "says another leafHash than its leaf has");
}

function checkAnchor(proof, hashes, keys, head) {
  const where = `the proof of ${proof.anchor} at size ${proof.size}`;
  let note = unbase64(proof.bytes, where);
  if (proof.anchor.startsWith("rfc3161:")) {
    const archive = parsed(note, where);
    demand(isRecord(archive) && isText(archive.note), where, "holds no note");
    note = Buffer.from(archive.note);
  } else if (!proof.anchor.startsWith("witness:")) return `${where}: a kind that this verifier does not know; NOT CHECKED`;
  const covers = openCheckpoint(note, keys, where);
  demand(String(covers.size) === proof.size, where, `holds a head of ${covers.size} entries`);
  demand(covers.size !== head.size || covers.root.equals(head.root), where, "holds another root than the checkpoint of that size: a FORK");
  for (const { seq, path } of proof.acts) {
    const hash = hashes.get(seq);
    demand(hash !== undefined && Number(seq) < covers.size, where, `is about act ${seq}, which it cannot cover`);
    demand(rootFrom(hash, Number(seq), covers.size, pathOf(path, where), where).equals(covers.root), where, `does not lead from act ${seq} to its root`);
  }
  const named = proof.acts.map(({ seq }) => seq).join(", ");
  return `${where}: our head in it covers the acts ${named}; that ${proof.anchor} signed it is for openssl to say (FORMAT.md section 17)`;
}

function checkEvidence(file, digest) {
  demand(digest !== null, file, "has nothing to be compared with: no act of this receipt gives a digest");
  const h = createHash("sha256");
  const block = Buffer.alloc(1 << 20);
  const fd = openSync(file, "r");
  let count = 0;
  try {
    for (let got = readSync(fd, block); got > 0; got = readSync(fd, block)) {
      h.update(block.subarray(0, got));
      count += got;
    }
  } finally {
    closeSync(fd);
  }
  const found = h.digest("hex");
  demand(found === digest.sha256, file, `has the SHA-256 ${found}, and ${digest.sha256} is recorded`);
  demand(String(count) === digest.bytes, file, `has ${count} bytes, and ${digest.bytes} are recorded`);
  return `${file}: ${count} bytes with the recorded SHA-256 ${found}`;
}

function verifyReceipt(options, say) {
  const receipt = receiptOf(options.receipt);
  let keys;
  if (options.vkey === null) {
    keys = keysOf(Buffer.from(`${receipt.vkeys.join("\n")}\n`), options.receipt);
    say("the keys are those of the receipt itself and prove nothing about who made it; pin them with --vkey");
  } else {
    try {
      keys = keysOf(readFileSync(options.vkey), options.vkey);
    } catch (error) {
      throw new Usage(error.message);
    }
  }
  if (keys.every((key) => key.key === null)) throw new Usage("none of the keys can be used by this Node; give it an Ed25519 key, or use Node 24");
  const checked = [];
  const head = openCheckpoint(Buffer.from(receipt.checkpoint), keys, "checkpoint", checked);
  demand(receipt.origin === head.origin, options.receipt, `says it is of ${JSON.stringify(receipt.origin)}, and its checkpoint is of ${head.origin}`);
  const hashes = new Map();
  let [place, previous, before, digest, signed] = [0, ZERO, -1, null, 0];
  for (const item of receipt.acts) {
    const seq = Number(item.seq);
    const where = `act ${item.seq}`;
    demand(seq > before, where, "does not come after the act before it");
    demand(seq < head.size, where, `is not in a ledger of ${head.size} entries`);
    const leaf = unbase64(item.leaf, where);
    const act = actOf(leaf, head.origin, where);
    const hash = hashLeaf(leaf);
    demand(rootFrom(hash, seq, head.size, pathOf(item.path, where), where).equals(head.root), where, "does not lead to the signed root");
    saidOtherwise(item, act, hash, where);
    const link = act.exhibits.find(({ id }) => id === receipt.id);
    demand(link !== undefined, where, `is not about ${receipt.id}`);
    const follows = link.exhibit_seq === place && link.exhibit_prev === previous;
    demand(follows, where, `does not follow the act before it in the chain of ${receipt.id}: one is left out`);
    [place, previous, before] = [place + 1, hash.toString("hex"), seq];
    hashes.set(item.seq, hash);
    digest = act.digests[receipt.id] ?? digest;
    const who = signerOf(leaf, where);
    if (who !== null) signed += 1;
    const by = who === null ? "asserted, signed by nobody" : `signed with ${who}`;
    say(`${where}  ${act.time}  ${quoted(act.act)}  ${quoted(act.actor.id)}  ${by}`);
  }
  for (const line of [...checked, ...receipt.proofs.map((proof) => checkAnchor(proof, hashes, keys, head))]) say(line);
  if (receipt.said !== null) demand(receipt.said.sha256 === (digest?.sha256 ?? null), options.receipt, "says another SHA-256 than its leaves");
  say(`${hashes.size} acts about ${receipt.id}, the chain without a gap up to the last of them; ${signed} signed by their actors, all signatures good`);
  if (signed > 0) say("whose key that is was not checked: ask the person, or the whole ledger (its acts actor-enrolled)");
  if (options.evidence !== null) say(checkEvidence(options.evidence, digest));
  return `intact: receipt of ${receipt.id} in ${head.origin} size ${head.size} root ${head.root.toString("base64")}`;
}

function optionsOf(args) {
  const options = { dir: null, vkey: null, witness: null, proof: null, index: null, receipt: null, evidence: null };
  const rest = [...args];
  const value = (name) => rest.shift() ?? fail(`${name} needs a value`);
  const fail = (what) => {
    throw new Usage(`${what}\n${USAGE}`);
  };
  while (rest.length > 0) {
    const word = rest.shift();
    if (["--vkey", "--witness", "--proof", "--receipt", "--evidence"].includes(word)) options[word.slice(2)] = value(word);
    else if (word === "--leaf-index") {
      const digits = value(word);
      if (!isIndex(digits)) fail(`${JSON.stringify(digits)} is no index`);
      options.index = Number(digits);
    } else if (word.startsWith("-") || options.dir !== null) fail(`${JSON.stringify(word)} is not understood`);
    else options.dir = word;
  }
  if ((options.dir === null) === (options.receipt === null)) fail("which folder, or which receipt?");
  if ((options.proof === null) !== (options.index === null)) fail("--proof and --leaf-index belong together");
  if (options.dir === null && options.witness !== null) fail("--witness belongs to a folder");
  if ((options.dir === null ? options.proof : options.evidence) !== null) fail("--proof belongs to a folder, --evidence to a receipt");
  return options;
}

try {
  const options = optionsOf(process.argv.slice(2));
  console.log((options.dir === null ? verifyReceipt : verifyExport)(options, (line) => console.log(line)));
} catch (error) {
  const damaged = error instanceof Damage;
  console.error(damaged ? `DAMAGED: ${error.message}` : `could not check: ${error.message}`);
  process.exitCode = damaged ? 1 : 2;
}
