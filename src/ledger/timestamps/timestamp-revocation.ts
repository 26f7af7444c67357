import type { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificateList, CRLDistributionPoints } from "@peculiar/asn1-x509";
import { describeError, HoldfastError } from "../../core/error.ts";
import type { Fetch } from "../../core/ports.ts";
import { boundedPost } from "../anchors/bounded-post.ts";
import { oneDer, readDer } from "./der.ts";
import { nameOf } from "./timestamp-chain.ts";
import { tbsOf } from "./x509-certificate.ts";
import { signatureFault } from "./x509-signature.ts";

const DISTRIBUTION_POINTS = "2.5.29.31";
const LIMITS = { ms: 10_000, bytes: 4 << 20 };

/** The revocation lists that the CAs of a chain offer over HTTP, and in words what was had and what was not. OCSP is not asked. */
export async function fetchRevocation(
  chain: readonly X509Certificate[],
  fetch: Fetch,
  when: Date,
  signal: AbortSignal,
): Promise<{ readonly crls: readonly Buffer[]; readonly text: string }> {
  const crls: Buffer[] = [];
  const said: string[] = [];
  for (const [i, certificate] of chain.slice(0, -1).entries()) {
    const issuer = chain[i + 1];
    const [url] = pointsOf(certificate);
    if (issuer === undefined) continue;
    if (url === undefined) {
      said.push(`the CA of ${nameOf(certificate)} offers no revocation list`);
      continue;
    }
    const answer = await boundedPost(fetch, { url, type: null, body: null }, LIMITS, signal);
    const fault = answer.kind === "silent" ? answer.text : answer.status !== 200 ? `it answered ${answer.status}` : listFault(answer.body, issuer, when);
    if (answer.kind === "answered" && fault === null) {
      crls.push(answer.body);
      said.push(`the revocation list for ${nameOf(certificate)} is archived`);
    } else said.push(`the revocation list for ${nameOf(certificate)} was not had: ${fault ?? ""}`);
  }
  return { crls, text: said.length === 0 ? "no revocation list is needed for a root" : said.join("; ").normalize("NFC") };
}

/** Says which certificate of the chain was revoked at that time by one of the lists, or null. Lists are those of fetchRevocation, checked again. */
export function revokedAt(chain: readonly X509Certificate[], crls: readonly Buffer[], when: Date): string | null {
  for (const crl of crls) {
    const at = chain.findIndex((certificate, i) => i > 0 && listFault(crl, certificate, when) === null);
    if (at < 0) return "an archived revocation list is of none of its CAs, or of another time";
    const revoked = AsnConvert.parse(crl, CertificateList).tbsCertList.revokedCertificates ?? [];
    for (const certificate of chain.slice(0, at).filter((c) => c.checkIssued(chain[at] ?? c))) {
      const serial = Buffer.from(tbsOf(certificate).serialNumber);
      const entry = revoked.find((r) => Buffer.from(r.userCertificate).equals(serial));
      if (entry !== undefined && entry.revocationDate.getTime() <= when)
        return `the certificate of ${nameOf(certificate)} was revoked before ${when.toISOString()}`;
    }
  }
  return null;
}

function listFault(crl: Buffer, issuer: X509Certificate, when: Date): string | null {
  try {
    const list = AsnConvert.parse(crl, CertificateList);
    const [tbs] = readDer(oneDer(crl, 0x30).content);
    const own = tbsOf(issuer).subject;
    if (tbs === undefined || !Buffer.from(AsnConvert.serialize(list.tbsCertList.issuer)).equals(Buffer.from(AsnConvert.serialize(own))))
      return "it is the list of another CA";
    const { nextUpdate } = list.tbsCertList;
    if (nextUpdate !== undefined && nextUpdate.getTime() < when) return `it ended at ${nextUpdate.getTime().toISOString()}`;
    return signatureFault(list.signatureAlgorithm.algorithm, null, issuer.publicKey, tbs.whole, Buffer.from(list.signature));
  } catch (error) {
    return error instanceof HoldfastError ? describeError(error) : "it cannot be read";
  }
}

function pointsOf(certificate: X509Certificate): readonly string[] {
  const extension = tbsOf(certificate).extensions?.find((e) => e.extnID === DISTRIBUTION_POINTS);
  if (extension === undefined) return [];
  return [...AsnConvert.parse(extension.extnValue, CRLDistributionPoints)]
    .flatMap((point) => point.distributionPoint?.fullName ?? [])
    .flatMap((name) => (name.uniformResourceIdentifier === undefined ? [] : [name.uniformResourceIdentifier]))
    .filter((url) => /^https?:\/\//.test(url) && URL.canParse(url));
}
