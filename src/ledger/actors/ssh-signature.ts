import { hash, verify } from "node:crypto";
import { type SshKey, sshKeyOf } from "./ssh-key.ts";
import { sshReader, sshString } from "./ssh-wire.ts";

/** PROTOCOL.sshsig: a signature made for one purpose is worth nothing for another. */
export const SSHSIG_NAMESPACE = "holdfast";
const MAGIC = "SSHSIG";
const hashes = ["sha256", "sha512"] as const;
type HashName = (typeof hashes)[number];
const dsaEncoding = "ieee-p1363";

/** What the key signs: never the message itself (PROTOCOL.sshsig, signed data). */
export function sshsigData(message: Uint8Array, algorithm: HashName = "sha512"): Buffer {
  return Buffer.concat([Buffer.from(MAGIC), sshString(SSHSIG_NAMESPACE), sshString(""), sshString(algorithm), sshString(hash(algorithm, message, "buffer"))]);
}

/** The blob around a signature over `sshsigData(message)`, as ssh-keygen -Y sign makes it. */
export function sshsigBlob(publicKey: Uint8Array, signature: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(MAGIC),
    Buffer.of(0, 0, 0, 1),
    sshString(publicKey),
    sshString(SSHSIG_NAMESPACE),
    sshString(""),
    sshString("sha512"),
    sshString(signature),
  ]);
}

/** The text form that ssh-keygen reads. */
export function armourSshsig(blob: Uint8Array): string {
  const base64 = Buffer.from(blob).toString("base64");
  return `-----BEGIN SSH SIGNATURE-----\n${(base64.match(/.{1,70}/g) ?? []).join("\n")}\n-----END SSH SIGNATURE-----\n`;
}

/** Throws TypeError where it is not exactly one armoured signature. */
export function unarmourSshsig(text: string): Buffer {
  const match = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?$/.exec(text.replaceAll("\r\n", "\n"));
  if (match?.[1] === undefined) throw new TypeError("is not an armoured SSH signature");
  return Buffer.from(match[1].replaceAll("\n", ""), "base64");
}

type Sshsig = { readonly key: SshKey; readonly algorithm: HashName; readonly signature: Buffer };

/** Finds a key that was parsed before by its wire form: parsing one costs as much as verifying with it. */
export type KnownKeys = (blob: Buffer) => SshKey | null;

/** The key that signed the message. Throws a TypeError or `usage` that says why the signature does not hold. */
export function sshsigSigner(blob: Uint8Array, message: Uint8Array, known: KnownKeys = () => null): SshKey {
  const { key, algorithm, signature } = parse(blob, known);
  if (!holds(key, signature, sshsigData(message, algorithm))) throw new TypeError(`the signature of ${key.fingerprint} does not verify`);
  return key;
}

function parse(blob: Uint8Array, known: KnownKeys): Sshsig {
  if (Buffer.from(blob.subarray(0, 6)).toString("latin1") !== MAGIC) throw new TypeError("it is not an SSH signature");
  const reader = sshReader(blob.subarray(6));
  const version = reader.u32();
  if (version !== 1) throw new TypeError(`its version is ${version}`);
  const wire = reader.string();
  const key = known(wire) ?? sshKeyOf(wire, "the key of the signature");
  const namespace = reader.text();
  if (namespace !== SSHSIG_NAMESPACE) throw new TypeError(`it was made for ${JSON.stringify(namespace)}, not for ${SSHSIG_NAMESPACE}`);
  if (reader.text() !== "") throw new TypeError("its reserved field is not empty");
  const name = reader.text();
  const algorithm = hashes.find((h) => h === name);
  if (algorithm === undefined) throw new TypeError(`its hash is ${JSON.stringify(name)}, not ${hashes.join(" or ")}`);
  const signature = reader.string();
  reader.end();
  return { key, algorithm, signature };
}

function holds(key: SshKey, field: Buffer, data: Buffer): boolean {
  const reader = sshReader(field);
  const type = reader.text();
  const body = reader.string();
  const message = key.application === null ? data : fidoMessage(key.application, reader.byte(), reader.u32(), data);
  reader.end();
  switch (key.type) {
    case "ssh-ed25519":
    case "sk-ssh-ed25519@openssh.com":
      return type === key.type && body.length === 64 && verify(null, message, key.key, body);
    case "ecdsa-sha2-nistp256":
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return type === key.type && verify("sha256", message, { key: key.key, dsaEncoding }, pair(body, 32));
    case "ecdsa-sha2-nistp384":
      return type === key.type && verify("sha384", message, { key: key.key, dsaEncoding }, pair(body, 48));
    case "ecdsa-sha2-nistp521":
      return type === key.type && verify("sha512", message, { key: key.key, dsaEncoding }, pair(body, 66));
    case "ssh-rsa": // RFC 8332; the old ssh-rsa signature is SHA-1
      if (type === "rsa-sha2-512") return verify("sha512", message, key.key, body);
      return type === "rsa-sha2-256" && verify("sha256", message, key.key, body);
    default:
      return key.type satisfies never;
  }
}

/** PROTOCOL.u2f: what a FIDO key signs instead of the data. */
function fidoMessage(application: string, flags: number, counter: number, data: Buffer): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUInt8(flags, 0);
  tail.writeUInt32BE(counter, 1);
  return Buffer.concat([hash("sha256", application, "buffer"), tail, hash("sha256", data, "buffer")]);
}

/** r ‖ s, each of the curve's width. */
function pair(body: Buffer, width: number): Buffer {
  const reader = sshReader(body);
  const numbers = [reader.positive(), reader.positive()];
  reader.end();
  return Buffer.concat(
    numbers.map((number) => {
      if (number.length > width) throw new TypeError("holds a number that is too long for its curve");
      return Buffer.concat([Buffer.alloc(width - number.length), number]);
    }),
  );
}
