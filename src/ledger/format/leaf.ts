import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Act } from "../../core/act.ts";
import { HoldfastError } from "../../core/error.ts";
import { sha256OfBytes } from "../../core/digest.ts";
import { toJcs } from "./jcs.ts";
import { type Hash, leafHash } from "./merkle.ts";
import { decodeBase64, decodeUtf8 } from "./note.ts";
import { surelyCanonical } from "./surely-canonical.ts";
import { statementText } from "./statement-text.ts";
import { parsePredicate, type Predicate } from "./predicate.ts";
import { type Fields, fields, list, text } from "./shape.ts";

export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const PREDICATE_TYPE = "urn:holdfast:act:v1";
export const ENVELOPE_VERSION = "holdfast.custody/v1";
const MAX_LEAF_BYTES = 65_535;
export const NONCE_BYTES = 16;

const TYPES = { statement: STATEMENT_TYPE, predicate: PREDICATE_TYPE } as const;

export type EncodedLeaf = { readonly bytes: Buffer; readonly hash: Hash };

/** The actor's DSSE signature: a key's SHA-256 fingerprint and an SSHSIG blob. */
export type LeafSignature = { readonly keyid: string; readonly sig: Buffer };

/** Statement → JCS: what an actor signs (in PAE). */
export function payloadOf(origin: string, predicate: Predicate): Buffer {
  const parsed = parsePredicate(predicate);
  const name = parsed.case ?? origin;
  const text = Object.keys(parsed.digests).length === 0 ? statementText(TYPES, parsed, { name, text: nameSubject(name) }) : null;
  return Buffer.from(text ?? toJcs(statementOf(origin, parsed), `the act ${predicate.act}`));
}

/** Payload → envelope → leaf. The nonce keeps a sibling hash in a disclosed proof from confirming a guessed act. */
export function encodeLeaf(origin: string, predicate: Predicate, nonce: Uint8Array): EncodedLeaf {
  return envelopeOf(predicate.act, payloadOf(origin, predicate), nonce, []);
}

export function envelopeOf(act: string, payload: Buffer, nonce: Uint8Array, signatures: readonly LeafSignature[]): EncodedLeaf {
  if (nonce.length !== NONCE_BYTES) throw new TypeError("a leaf's nonce has 16 bytes");
  // These members are in JCS order and hold nothing that JSON escapes, so this is the canonical envelope (proven in leaf.test.ts).
  const signed = signatures.map(({ keyid, sig }) => `{"keyid":"${keyid}","sig":"${base64(sig)}"}`).join(",");
  const leaf = `{"nonce":"${base64(nonce)}","payload":"${base64(payload)}","payloadType":"${PAYLOAD_TYPE}","signatures":[${signed}],"v":"${ENVELOPE_VERSION}"}`;
  if (leaf.length > MAX_LEAF_BYTES)
    throw new HoldfastError(
      "usage",
      `the act ${act} needs ${leaf.length} bytes, and a leaf holds ${MAX_LEAF_BYTES}; put bulk data in the vault and its digest in the act`,
    );
  const bytes = Buffer.from(leaf, "latin1");
  return { bytes, hash: leafHash(bytes) };
}

export type Statement = {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: typeof PREDICATE_TYPE;
  readonly predicate: Predicate;
};
type Subject = { readonly name: string; readonly digest: { readonly sha256: string }; readonly annotations?: { readonly digestOf: "name" } };

/** in-toto wants a digest for every subject: an act without evidence is about a name, and says that the digest is only that of the name. */
export function statementOf(origin: string, predicate: Predicate): Statement {
  const subject: Subject[] = Object.keys(predicate.digests)
    .sort()
    .map((id) => ({ digest: { sha256: predicate.digests[id]?.sha256 ?? "" }, name: id }));
  if (subject.length === 0) {
    const name = predicate.case ?? origin;
    subject.push({ annotations: { digestOf: "name" }, digest: { sha256: hash("sha256", name, "hex") }, name });
  }
  return { _type: STATEMENT_TYPE, predicate, predicateType: PREDICATE_TYPE, subject };
}

/**
 * Reads a leaf and demands that it is exactly what a writer would have written: canonical at both layers (no duplicate keys, no
 * second spelling), known shape, subject that follows from the predicate. Throws `unverifiable` naming what is wrong.
 */
export function decodeLeaf(seq: number, leaf: Uint8Array, origin: string, treeHash: Hash = leafHash(leaf)): Act {
  try {
    const { payload, signatures } = unsignedEnvelope(leaf) ?? anyEnvelope(leaf);
    const source = decodeUtf8(payload);
    const found: unknown = JSON.parse(source);
    const statement = fields(found, ["_type", "predicate", "predicateType", "subject"], "the statement");
    const predicate = parsePredicate(statement["predicate"]);
    const due = predicate.actor.proof === "signed" ? 1 : 0;
    if (signatures !== due) throw new TypeError(`its actor's proof is ${predicate.actor.proof}, and ${signatures} signatures are there instead of ${due}`);
    // Canonical form, normal form, type and subject: there is one spelling of a statement.
    if (!(surelyCanonical(found, source) && isStatement(statement, origin, predicate)) && toJcs(statementOf(origin, predicate), "statement") !== source)
      throw new TypeError("its statement is not in canonical form, or its type or subject does not follow from its predicate");
    const exhibits = predicate.exhibits.map((e) => ({ id: e.id, seq: e.exhibit_seq, prev: e.exhibit_prev }));
    return { ...predicate, exhibits, seq, leafHash: sha256OfBytes(treeHash) };
  } catch (error) {
    throw new HoldfastError("unverifiable", `entry ${seq} of the ledger is not an act in the form of FORMAT.md`, error);
  }
}

const scratch = Buffer.alloc(MAX_LEAF_BYTES);

type Opened = { readonly payload: Buffer; readonly signatures: number };

const HEAD = '{"nonce":"';
const NONCE_END = HEAD.length + 24;
const PAYLOAD = '","payload":"';
const TAIL = `","payloadType":"${PAYLOAD_TYPE}","signatures":[],"v":"${ENVELOPE_VERSION}"}`;

/**
 * The payload of an envelope as `envelopeOf` writes it without signatures, its bytes as characters: between fixed text there is only
 * base64, which has one reading. Null where it is not that.
 */
export function unsignedPayload(leaf: Uint8Array): string | null {
  const source = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength).toString("latin1");
  if (!source.startsWith(HEAD) || !source.startsWith(PAYLOAD, NONCE_END) || !source.endsWith(TAIL)) return null;
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(source.slice(HEAD.length, NONCE_END))) return null; // 16 bytes
  const payload = source.slice(NONCE_END + PAYLOAD.length, -TAIL.length);
  const bytes = scratch.write(payload, "base64");
  return scratch.toString("base64", 0, bytes) === payload ? scratch.toString("latin1", 0, bytes) : null;
}

function unsignedEnvelope(leaf: Uint8Array): Opened | null {
  const payload = unsignedPayload(leaf);
  return payload === null ? null : { payload: Buffer.from(payload, "latin1"), signatures: 0 };
}

function anyEnvelope(leaf: Uint8Array): Opened {
  const envelope = fields(canonicalEnvelope(leaf), ["nonce", "payload", "payloadType", "signatures", "v"], "the envelope");
  if (envelope["v"] !== ENVELOPE_VERSION) throw new TypeError(`its version is ${String(envelope["v"])}`);
  if (envelope["payloadType"] !== PAYLOAD_TYPE) throw new TypeError(`its payload type is ${String(envelope["payloadType"])}`);
  if (bytesOf(envelope["nonce"], "nonce").length !== NONCE_BYTES) throw new TypeError("its nonce has not 16 bytes");
  const signatures = list(envelope["signatures"], "signatures", signature).length;
  return { payload: bytesOf(envelope["payload"], "payload"), signatures };
}

/** The same as comparing with `statementOf`, for a statement whose subject is the name of a case or of the log. False is no answer. */
function isStatement(statement: Fields, origin: string, predicate: Predicate): boolean {
  if (statement["_type"] !== STATEMENT_TYPE || statement["predicateType"] !== PREDICATE_TYPE) return false;
  for (const _ in predicate.digests) return false;
  return JSON.stringify(statement["subject"]) === nameSubject(predicate.case ?? origin);
}

const lastSubject = { name: "", subject: "" };

/** Acts follow one another in one case: the last one is remembered. */
export function nameSubject(name: string): string {
  if (lastSubject.name === name && lastSubject.subject !== "") return lastSubject.subject;
  const digest = { sha256: hash("sha256", name, "hex") };
  lastSubject.subject = JSON.stringify([{ annotations: { digestOf: "name" }, digest, name }]);
  lastSubject.name = name;
  return lastSubject.subject;
}

/** DSSE's pre-authentication encoding: the bytes an actor signs. LEN counts bytes. */
export function pae(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
}

function canonicalEnvelope(bytes: Uint8Array): unknown {
  const source = decodeUtf8(bytes);
  const value: unknown = JSON.parse(source);
  if (canonicalize(value) !== source) throw new TypeError("its envelope is not in canonical form (RFC 8785)");
  return value;
}

/** The signature of a leaf that was decoded before, and what it is over; null where there is none. */
export function signatureOf(leaf: Uint8Array): { readonly payload: Buffer; readonly signature: LeafSignature } | null {
  const envelope = fields(JSON.parse(decodeUtf8(leaf)), ["nonce", "payload", "payloadType", "signatures", "v"], "the envelope");
  const [first] = list(envelope["signatures"], "signatures", signature);
  return first === undefined ? null : { payload: bytesOf(envelope["payload"], "payload"), signature: first };
}

function signature(value: unknown, where: string): LeafSignature {
  const s = fields(value, ["keyid", "sig"], where);
  return { keyid: text(s["keyid"], `${where}.keyid`), sig: bytesOf(s["sig"], `${where}.sig`) };
}

function bytesOf(value: unknown, where: string): Buffer {
  const bytes = decodeBase64(text(value, where));
  if (bytes === null) throw new TypeError(`${where} is not canonical base64`);
  return bytes;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
