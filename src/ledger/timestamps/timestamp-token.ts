import { createHash, hash, X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { SignerInfo } from "@peculiar/asn1-cms";
import { PKIStatus, PKIStatusInfo, TSTInfo } from "@peculiar/asn1-tsp";
import { HoldfastError } from "../../core/error.ts";
import { type Der, oneDer, readDer } from "./der.ts";
import { chainAt, type TimestampTrust } from "./timestamp-chain.ts";
import { tbsOf } from "./x509-certificate.ts";
import { digestNames, signatureFault } from "./x509-signature.ts";

/** What a token has to say to count. */
export type Expected = {
  /** SHA-256 of the bytes that were stamped. */
  readonly imprint: Buffer;
  /** As asked; null where that is not known any more. */
  readonly nonce: Buffer | null;
  /** The policy that the configuration demands, or null for any. */
  readonly policy: string | null;
};

/** A token that holds: when, under which policy of the authority, and the certificates from its own to the root. */
export type CheckedToken = { readonly genTime: Date; readonly policy: string; readonly chain: readonly X509Certificate[] };

const SHA_256 = "2.16.840.1.101.3.4.2.1";
const oid = (hex: string): string => `06${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
// PKCS #9 (RFC 5652 §11; RFC 5035): content type, message digest, signing certificate, signing certificate v2.
const CONTENT_TYPE = oid("2a864886f70d010903");
const MESSAGE_DIGEST = oid("2a864886f70d010904");
const SIGNING_CERTIFICATE = oid("2a864886f70d010910020c");
const SIGNING_CERTIFICATE_V2 = oid("2a864886f70d010910022f");
const TST_INFO = oid("2a864886f70d0109100104");
const SIGNED_DATA = oid("2a864886f70d010702");

/**
 * Checks an RFC 3161 response whole: granted, imprint, nonce, policy, the signature over its signed attributes, that these bind the
 * content and the certificate, and the chain at the time it states. `helpers` are certificates that may lie between; none is
 * trusted. Throws `unverifiable` with the reason, or `config` where it does not lead to a trusted root.
 */
export function checkToken(response: Buffer, expected: Expected, helpers: readonly X509Certificate[], trust: TimestampTrust): CheckedToken {
  const elements = signedDataOf(tokenOf(response));
  const info = timestampIn(elements);
  const stamp = parse("its timestamp", () => AsnConvert.parse(oneDer(info, 0x30).whole, TSTInfo));
  demandAsAsked(stamp, expected);
  const signed = signerIn(elements);
  const signer = parse("its signer", () => AsnConvert.parse(signed.whole, SignerInfo));
  const attributes = signedAttributes(signed);
  const sent = certificatesIn(elements);
  const certificate = signingCertificate(signer, attributes.values, [...sent, ...helpers, ...trust.others]);
  demandSigned(signer, attributes, info, certificate);
  return { genTime: stamp.genTime, policy: stamp.policy, chain: chainAt(certificate, [...sent, ...helpers], trust, stamp.genTime) };
}

function tokenOf(response: Buffer): Buffer {
  const [answer, token, ...more] = readDer(oneDer(response, 0x30).content);
  if (answer === undefined) throw wrong("it is empty");
  const { status, statusString } = parse("its answer", () => AsnConvert.parse(answer.whole, PKIStatusInfo));
  if (status !== PKIStatus.granted && status !== PKIStatus.grantedWithMods)
    throw wrong(
      `it was not granted: status ${PKIStatus[status] ?? status}${statusString === undefined ? "" : `, ${[...statusString].join("; ").slice(0, 200)}`}`,
    );
  if (token === undefined || more.length > 0) throw wrong("it says granted, and holds no token");
  return token.whole;
}

function demandAsAsked(stamp: TSTInfo, expected: Expected): void {
  const { hashAlgorithm, hashedMessage } = stamp.messageImprint;
  if (hashAlgorithm.algorithm !== SHA_256 || !Buffer.from(hashedMessage.buffer).equals(expected.imprint))
    throw wrong("it stamps other bytes (message imprint)");
  if (expected.nonce !== null && (stamp.nonce === undefined || !Buffer.from(stamp.nonce).equals(expected.nonce)))
    throw wrong(stamp.nonce === undefined ? "it has no nonce, so it may be an old one" : "its nonce is not ours, so it may be an old one");
  if (expected.policy !== null && stamp.policy !== expected.policy) throw wrong(`it is under policy ${stamp.policy}, and ${expected.policy} is demanded`);
}

type Attributes = { readonly signedBytes: Buffer; readonly values: ReadonlyMap<string, Buffer> };

/** The parts of SignedData (RFC 5652 §5.1) as they were sent: what was hashed or signed must not be encoded again. */
function signedDataOf(token: Buffer): readonly Der[] {
  const [type, explicit] = readDer(oneDer(token, 0x30).content);
  if (type?.whole.toString("hex") !== SIGNED_DATA || explicit?.tag !== 0xa0) throw wrong("it holds no signed data");
  return readDer(oneDer(explicit.content, 0x30).content);
}

/** The bytes of TSTInfo. */
function timestampIn(signedData: readonly Der[]): Buffer {
  const [type, explicit] = readDer(signedData[2]?.content ?? Buffer.alloc(0));
  if (type?.whole.toString("hex") !== TST_INFO || explicit?.tag !== 0xa0) throw wrong("it holds no timestamp");
  return oneDer(explicit.content, 0x04).content;
}

function signerIn(signedData: readonly Der[]): Der {
  const infos = signedData.at(-1);
  const [signer, ...others] = infos?.tag === 0x31 ? readDer(infos.content) : [];
  if (signer === undefined || others.length > 0) throw wrong(`it has ${signer === undefined ? "no" : others.length + 1} signers, and one is right`);
  return signer;
}

/** The bytes that are signed, and the attributes read from exactly these bytes. */
function signedAttributes(signer: Der): Attributes {
  const attributes = readDer(signer.content).find((element) => element.tag === 0xa0);
  if (attributes === undefined) throw wrong("it has no signed attributes");
  const values = new Map<string, Buffer>();
  for (const attribute of readDer(attributes.content)) {
    const [type, set] = readDer(attribute.content);
    const [value, ...more] = set?.tag === 0x31 ? readDer(set.content) : [];
    const name = type?.whole.toString("hex") ?? "";
    if (value === undefined || more.length > 0 || values.has(name)) throw wrong("a signed attribute stands twice, or has not exactly one value");
    values.set(name, value.whole);
  }
  // RFC 5652 §5.4: signed as SET OF, not with the implicit tag that it has in the message.
  return { signedBytes: Buffer.concat([Buffer.of(0x31), attributes.whole.subarray(1)]), values };
}

/** RFC 3161 §2.4.2, RFC 5816: the token names its certificate by hash, so that no other one can be put in its place. */
function signingCertificate(signer: SignerInfo, values: ReadonlyMap<string, Buffer>, candidates: readonly X509Certificate[]): X509Certificate {
  const second = values.get(SIGNING_CERTIFICATE_V2);
  const attribute = second ?? values.get(SIGNING_CERTIFICATE);
  if (attribute === undefined) throw wrong("it does not name the certificate that signed it (ESSCertID)");
  const list = readDer(oneDer(attribute, 0x30).content)[0];
  const first = list === undefined ? undefined : readDer(list.content)[0];
  const [head, next] = first === undefined ? [] : readDer(first.content);
  const named = head?.tag === 0x30 ? next : head;
  const algorithm = second === undefined ? "sha1" : head?.tag === 0x30 ? digestOf(head.content) : "sha256";
  if (named?.tag !== 0x04 || algorithm === null) throw wrong("it names its certificate in a way that is not known here (ESSCertID)");
  const found = candidates.find((candidate) => createHash(algorithm).update(candidate.raw).digest().equals(named.content));
  if (found === undefined) throw wrong("the certificate that it names is neither in it nor in ca (ESSCertID)");
  const { issuerAndSerialNumber: issued } = signer.sid;
  const own = tbsOf(found);
  const same =
    issued === undefined ||
    (Buffer.from(issued.serialNumber).equals(Buffer.from(own.serialNumber)) &&
      Buffer.from(AsnConvert.serialize(issued.issuer)).equals(Buffer.from(AsnConvert.serialize(own.issuer))));
  if (!same) throw wrong("its signer is not the certificate that it names");
  return found;
}

function digestOf(identifier: Buffer): string | null {
  const name = readDer(identifier)[0]?.whole.toString("hex");
  const digests: Readonly<Record<string, string>> = {
    [oid("608648016503040201")]: "sha256",
    [oid("608648016503040202")]: "sha384",
    [oid("608648016503040203")]: "sha512",
  };
  return digests[name ?? ""] ?? null;
}

function demandSigned(signer: SignerInfo, attributes: Attributes, info: Buffer, certificate: X509Certificate): void {
  const digest = digestNames[signer.digestAlgorithm.algorithm];
  if (digest === undefined) throw wrong(`its digest ${signer.digestAlgorithm.algorithm} is not one that Holdfast accepts`);
  if (attributes.values.get(CONTENT_TYPE)?.toString("hex") !== TST_INFO) throw wrong("its signature is not one over a timestamp (content type)");
  const stated = attributes.values.get(MESSAGE_DIGEST);
  if (stated === undefined || !oneDer(stated, 0x04).content.equals(hash(digest, info, "buffer")))
    throw wrong("its content is not what was signed (message digest)");
  const fault = signatureFault(
    signer.signatureAlgorithm.algorithm,
    digest,
    certificate.publicKey,
    attributes.signedBytes,
    Buffer.from(signer.signature.buffer),
  );
  if (fault !== null) throw wrong(fault);
}

function certificatesIn(signedData: readonly Der[]): readonly X509Certificate[] {
  const certificates = signedData.find((element) => element.tag === 0xa0);
  if (certificates === undefined) return [];
  // Other kinds of certificates (attribute certificates) have other tags and help nobody here.
  return readDer(certificates.content)
    .filter((element) => element.tag === 0x30)
    .map((element) => parse("a certificate in it", () => new X509Certificate(element.whole)));
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new HoldfastError("unverifiable", `the timestamp does not count: ${what} cannot be read`, error);
  }
}

function wrong(why: string): HoldfastError {
  return new HoldfastError("unverifiable", `the timestamp does not count: ${why}`);
}
