import { createPublicKey, hash, type KeyObject } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { decodeBase64 } from "../format/note.ts";
import { type SshReader, sshReader } from "./ssh-wire.ts";

export const sshKeyTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
] as const;
export type SshKeyType = (typeof sshKeyTypes)[number];

export type SshKey = {
  readonly type: SshKeyType;
  readonly blob: Buffer;
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  /** `TYPE BASE64`: one spelling a key. */
  readonly line: string;
  /** What a FIDO key was made for (`ssh:`); null for other keys. */
  readonly application: string | null;
  readonly key: KeyObject;
};

const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410
// SubjectPublicKeyInfo of an uncompressed point (RFC 5480): everything in front of the point.
const curves = {
  nistp256: { point: 65, spki: "3059301306072a8648ce3d020106082a8648ce3d030107034200" },
  nistp384: { point: 97, spki: "3076301006072a8648ce3d020106052b81040022036200" },
  nistp521: { point: 133, spki: "30819b301006072a8648ce3d020106052b8104002303818600" },
} as const;
const MIN_RSA_BITS = 3072;

/** A line of a `.pub` file. Throws `usage` naming where it stood. */
export function parseSshKey(line: string, where: string): SshKey {
  const [type, base64] = line.trim().split(/\s+/);
  const blob = base64 === undefined ? null : decodeBase64(base64);
  if (type === undefined || blob === null)
    throw new HoldfastError("usage", `${where} is not an SSH public key; give the line of a .pub file, such as ssh-ed25519 AAAA…`);
  const key = sshKeyOf(blob, where);
  if (key.type !== type) throw new HoldfastError("usage", `${where} says ${type} and holds a key of type ${key.type}`);
  return key;
}

/** A key from its wire form, of which each key has exactly one: two spellings would be two persons. Throws `usage`. */
export function sshKeyOf(blob: Buffer, where: string): SshKey {
  try {
    const reader = sshReader(blob);
    const name = reader.text();
    const type = sshKeyTypes.find((t) => t === name);
    if (type === undefined) throw new TypeError(`is of type ${JSON.stringify(name)}, and these are accepted: ${sshKeyTypes.join(", ")}`);
    const key = keyObject(type, reader);
    const application = type.startsWith("sk-") ? reader.text() : null;
    reader.end();
    return { type, blob, fingerprint: fingerprintOf(blob), line: `${type} ${blob.toString("base64")}`, application, key };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("usage", `${where} is not an SSH public key that can be used: it ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function keyObject(type: SshKeyType, reader: SshReader): KeyObject {
  switch (type) {
    case "ssh-ed25519":
    case "sk-ssh-ed25519@openssh.com":
      return spki(SPKI_ED25519, sized(reader.string(), 32));
    case "ecdsa-sha2-nistp256":
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return onCurve("nistp256", reader);
    case "ecdsa-sha2-nistp384":
      return onCurve("nistp384", reader);
    case "ecdsa-sha2-nistp521":
      return onCurve("nistp521", reader);
    case "ssh-rsa": {
      const [e, n] = [reader.positive(), reader.positive()];
      const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
      if (bits < MIN_RSA_BITS) throw new TypeError(`has ${bits} bits, and an RSA key needs ${MIN_RSA_BITS}`);
      return createPublicKey({ key: { kty: "RSA", e: e.toString("base64url"), n: n.toString("base64url") }, format: "jwk" });
    }
    default:
      return type satisfies never;
  }
}

function onCurve(curve: keyof typeof curves, reader: SshReader): KeyObject {
  const said = reader.text();
  if (said !== curve) throw new TypeError(`is on the curve ${said}, not ${curve}`);
  const point = sized(reader.string(), curves[curve].point);
  if (point[0] !== 4) throw new TypeError("has a compressed point");
  return spki(Buffer.from(curves[curve].spki, "hex"), point);
}

function spki(prefix: Buffer, raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "spki" });
}

function sized(bytes: Buffer, length: number): Buffer {
  if (bytes.length !== length) throw new TypeError(`has ${bytes.length} bytes where it needs ${length}`);
  return bytes;
}

export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;
}
