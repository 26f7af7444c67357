import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { decodeBase64 } from "../format/note.ts";

/** The two signature types of a Holdfast log, with their C2SP numbers. */
export const keyTypes = { ed25519: 0x01, "ml-dsa-44": 0x06 } as const;
export type KeyType = keyof typeof keyTypes;

/** A verifier key: `name+hex(keyId)+base64(type ‖ pub)`. */
export type Vkey = {
  readonly name: string;
  readonly type: KeyType;
  readonly keyId: Buffer;
  readonly pub: Buffer;
  readonly key: KeyObject;
  /** The heads that it signs, by size; absent for a key whose list says nothing of that: all. */
  readonly signs?: SignedSizes;
};
/** Sizes from `from` on and below `until`. */
export type SignedSizes = { readonly from: number; readonly until: number | null; readonly end: "rotated" | "revoked" | null };
export type SigningKey = { readonly vkey: Vkey; readonly key: KeyObject };

// DER of the algorithm identifiers (RFC 8410; RFC 9881), in front of the raw key or seed.
const spki: Readonly<Record<KeyType, Buffer>> = {
  ed25519: Buffer.from("302a300506032b6570032100", "hex"),
  "ml-dsa-44": Buffer.from("30820532300b06096086480165030403110382052100", "hex"),
};
const pkcs8: Readonly<Record<KeyType, Buffer>> = {
  ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
  "ml-dsa-44": Buffer.from("3034020100300b060960864801650304031104228020", "hex"),
};
const pubBytes: Readonly<Record<KeyType, number>> = { ed25519: 32, "ml-dsa-44": 1312 };

/** SHA-256(name ‖ 0x0A ‖ type ‖ pub), first four bytes. */
export function keyIdOf(name: string, type: KeyType, pub: Uint8Array): Buffer {
  return createHash("sha256").update(name).update(Buffer.of(0x0a, keyTypes[type])).update(pub).digest().subarray(0, 4);
}

export function vkeyOf(name: string, type: KeyType, pub: Buffer): Vkey {
  if (pub.length !== pubBytes[type]) throw new HoldfastError("config", `a ${type} public key has ${pubBytes[type]} bytes, not ${pub.length}`);
  const key = createPublicKey({ key: Buffer.concat([spki[type], pub]), format: "der", type: "spki" });
  return { name, type, keyId: keyIdOf(name, type, pub), pub, key };
}

export function formatVkey(vkey: Vkey): string {
  return `${vkey.name}+${vkey.keyId.toString("hex")}+${Buffer.concat([Buffer.of(keyTypes[vkey.type]), vkey.pub]).toString("base64")}`;
}

export function parseVkey(text: string): Vkey {
  const match = /^([^+\s]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  const [, name, keyId, field] = match ?? [];
  const bytes = field === undefined ? null : decodeBase64(field);
  const type = bytes === null ? undefined : (["ed25519", "ml-dsa-44"] as const).find((t) => keyTypes[t] === bytes[0]);
  if (name === undefined || bytes === null || type === undefined)
    throw new HoldfastError("config", `${JSON.stringify(text.slice(0, 80))} is not a verifier key of a log (type 0x01 or 0x06)`);
  const vkey = vkeyOf(name, type, bytes.subarray(1));
  if (vkey.keyId.toString("hex") !== keyId) throw new HoldfastError("config", `the verifier key of ${name} has a key id that is not its own`);
  return vkey;
}

export function signingKeyOfSeed(name: string, type: KeyType, seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new TypeError("a key seed has 32 bytes");
  return signingKeyOf(name, createPrivateKey({ key: Buffer.concat([pkcs8[type], seed]), format: "der", type: "pkcs8" }));
}

export function signingKeyOf(name: string, key: KeyObject): SigningKey {
  const type = key.asymmetricKeyType;
  if (type !== "ed25519" && type !== "ml-dsa-44")
    throw new HoldfastError("config", `a log key of type ${String(type)} cannot be used: Ed25519 and ML-DSA-44 are`);
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return { vkey: vkeyOf(name, type, der.subarray(spki[type].length)), key };
}

/** Null for a key of another kind. DER of the SubjectPublicKeyInfo. */
export function vkeyOfSpki(name: string, der: Buffer): Vkey | null {
  const type = (["ed25519", "ml-dsa-44"] as const).find((t) => der.length === spki[t].length + pubBytes[t] && der.subarray(0, spki[t].length).equals(spki[t]));
  return type === undefined ? null : vkeyOf(name, type, der.subarray(spki[type].length));
}

/** PEM of the seed-only PKCS #8 form, readable by OpenSSL 3.5 and later. */
export function pemOfSeed(type: KeyType, seed: Uint8Array): string {
  const base64 = Buffer.concat([pkcs8[type], seed]).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${(base64.match(/.{1,64}/g) ?? []).join("\n")}\n-----END PRIVATE KEY-----\n`;
}
