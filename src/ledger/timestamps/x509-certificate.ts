import type { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate, type TBSCertificate } from "@peculiar/asn1-x509";

const KEPT = 64;
const kept = new Map<string, TBSCertificate>();

/** The parts of a certificate that node:crypto does not tell. An audit of thousands of tokens meets the same few certificates. */
export function tbsOf(certificate: X509Certificate): TBSCertificate {
  const name = certificate.fingerprint512;
  const known = kept.get(name);
  if (known !== undefined) return known;
  if (kept.size >= KEPT) kept.clear();
  const parsed = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate;
  kept.set(name, parsed);
  return parsed;
}
