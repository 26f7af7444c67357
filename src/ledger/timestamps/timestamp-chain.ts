import { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { BasicConstraints, ExtendedKeyUsage, type Extension, KeyUsage } from "@peculiar/asn1-x509";
import { HoldfastError } from "../../core/error.ts";
import { tbsOf } from "./x509-certificate.ts";

/** The certificates of `ca` in the configuration: the self-signed ones are trusted, the others only help to get there. */
export type TimestampTrust = { readonly roots: readonly X509Certificate[]; readonly others: readonly X509Certificate[] };

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
// What is checked here or says nothing against a chain (certificate policies). Any other critical extension stops (RFC 5280 §4.2).
const understood = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, "2.5.29.32"]);
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const ANY_USAGE = "2.5.29.37.0";
const MAX_DEPTH = 8;

/** Throws `config`, naming the field. */
export function parseTrust(pem: string, field: string): TimestampTrust {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  let certificates: X509Certificate[];
  try {
    certificates = blocks.map((block) => new X509Certificate(block));
  } catch (error) {
    throw new HoldfastError("config", `${field}: a certificate in it cannot be read; the file has to be PEM`, error);
  }
  const roots = certificates.filter((c) => c.ca && c.checkIssued(c) && c.verify(c.publicKey));
  if (roots.length === 0)
    throw new HoldfastError(
      "config",
      `${field}: there is no self-signed CA certificate in it; get the root of the timestamp authority from its operator, as PEM`,
    );
  return { roots, others: certificates.filter((c) => !roots.includes(c)) };
}

/**
 * From the authority's certificate to a trusted root, all of it valid at `when`: the time that the token states, because tokens
 * have to hold after the certificate has expired. Throws `unverifiable` with the reason, `config` where no path leads to a trusted root.
 */
export function chainAt(leaf: X509Certificate, helpers: readonly X509Certificate[], trust: TimestampTrust, when: Date): readonly X509Certificate[] {
  demandTimestamper(leaf, when);
  const faults: string[] = [];
  const climb = (path: readonly X509Certificate[]): readonly X509Certificate[] | null => {
    const last = path.at(-1);
    if (last === undefined || path.length > MAX_DEPTH) return null;
    for (const candidate of [...trust.roots, ...trust.others, ...helpers]) {
      if (path.some((c) => c.raw.equals(candidate.raw)) || !last.checkIssued(candidate) || !last.verify(candidate.publicKey)) continue;
      const fault = issuerFault(candidate, path.length - 1, when);
      if (fault !== null) {
        faults.push(fault);
        continue;
      }
      if (trust.roots.some((root) => root.raw.equals(candidate.raw))) return [...path, candidate];
      const found = climb([...path, candidate]);
      if (found !== null) return found;
    }
    return null;
  };
  const chain = climb([leaf]);
  if (chain !== null) return chain;
  if (faults.length > 0) throw new HoldfastError("unverifiable", `the chain of ${nameOf(leaf)} does not hold: ${faults.join("; ")}`);
  throw new HoldfastError(
    "config",
    `the certificate of ${nameOf(leaf)} does not lead to a root in ca; if the authority has a new root, add it to that file and keep the old one in it`,
  );
}

/** RFC 3161 §2.3: exactly one extended key usage, timeStamping, and critical. */
function demandTimestamper(leaf: X509Certificate, when: Date): void {
  const extensions = extensionsOf(leaf);
  const purpose = extensions.find((e) => e.extnID === EXTENDED_KEY_USAGE);
  const usages = purpose === undefined ? [] : [...AsnConvert.parse(purpose.extnValue, ExtendedKeyUsage)];
  const usage = extensions.find((e) => e.extnID === KEY_USAGE);
  const uses = usage === undefined ? [] : AsnConvert.parse(usage.extnValue, KeyUsage).toJSON();
  const fault =
    purpose?.critical !== true || usages.length !== 1 || usages[0] !== TIME_STAMPING
      ? "its extended key usage is not timeStamping alone and critical"
      : uses.some((use) => use !== "digitalSignature" && use !== "nonRepudiation")
        ? `its key may also be used for ${uses.join(", ")}`
        : leaf.ca
          ? "it is a CA"
          : commonFault(leaf, extensions, when);
  if (fault !== null) throw new HoldfastError("unverifiable", `the certificate of ${nameOf(leaf)} is none of a timestamp authority: ${fault}`);
}

function issuerFault(candidate: X509Certificate, below: number, when: Date): string | null {
  const extensions = extensionsOf(candidate);
  const constraints = extensions.find((e) => e.extnID === BASIC_CONSTRAINTS);
  const basic = constraints === undefined ? null : AsnConvert.parse(constraints.extnValue, BasicConstraints);
  const purpose = extensions.find((e) => e.extnID === EXTENDED_KEY_USAGE);
  const usages = purpose === undefined ? [TIME_STAMPING] : [...AsnConvert.parse(purpose.extnValue, ExtendedKeyUsage)];
  const fault =
    basic?.cA !== true
      ? "is no CA"
      : basic.pathLenConstraint !== undefined && basic.pathLenConstraint < below
        ? `allows ${basic.pathLenConstraint} CAs below it, and there are ${below}`
        : !usages.includes(TIME_STAMPING) && !usages.includes(ANY_USAGE)
          ? "may not issue for timestamps"
          : commonFault(candidate, extensions, when);
  return fault === null ? null : `${nameOf(candidate)} ${fault}`;
}

function commonFault(certificate: X509Certificate, extensions: readonly Extension[], when: Date): string | null {
  const strange = extensions.find((e) => e.critical && !understood.has(e.extnID));
  if (strange !== undefined) return `has the critical extension ${strange.extnID}, which Holdfast does not know`;
  if (when < certificate.validFromDate || when > certificate.validToDate)
    return `was valid from ${certificate.validFromDate.toISOString()} to ${certificate.validToDate.toISOString()}, not at ${when.toISOString()}`;
  return null;
}

function extensionsOf(certificate: X509Certificate): readonly Extension[] {
  return [...(tbsOf(certificate).extensions ?? [])];
}

/** For sentences: certificate names are chosen by others, so callers show them terminal-safe. */
export function nameOf(certificate: X509Certificate): string {
  return JSON.stringify(certificate.subject.split("\n").join(", "));
}
