import { execFileSync } from "node:child_process";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate made by openssl, and its key. */
export type Issued = { readonly certificate: X509Certificate; readonly key: KeyObject; readonly file: string };

export type CertificateWish = {
  readonly name: string;
  readonly key: "rsa" | "rsa-1024" | "p256" | "p384";
  readonly days: number;
  /** Lines of an openssl extension file. */
  readonly extensions: readonly string[];
};

export const caExtensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash"] as const;
export const tsaExtensions = ["basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=critical,timeStamping"] as const;

const keys = {
  rsa: ["RSA", "rsa_keygen_bits:2048"],
  "rsa-1024": ["RSA", "rsa_keygen_bits:1024"],
  p256: ["EC", "ec_paramgen_curve:P-256"],
  p384: ["EC", "ec_paramgen_curve:P-384"],
} as const;

/** Signed by `by`, or by itself. */
export function issue(dir: string, wish: CertificateWish, by: Issued | null): Issued {
  const at = (suffix: string): string => join(dir, `${wish.name}.${suffix}`);
  const [algorithm, parameter] = keys[wish.key];
  openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", parameter, "-out", at("key"));
  openssl("req", "-new", "-key", at("key"), "-subj", `/O=Holdfast test/CN=${wish.name}`, "-out", at("csr"));
  writeFileSync(at("ext"), wish.extensions.join("\n"));
  const signer = by === null ? ["-signkey", at("key")] : ["-CA", by.file, "-CAkey", by.file.replace(/pem$/, "key"), "-CAcreateserial"];
  openssl("x509", "-req", "-sha256", "-in", at("csr"), ...signer, "-days", String(wish.days), "-extfile", at("ext"), "-out", at("pem"));
  return { certificate: new X509Certificate(readFileSync(at("pem"))), key: createPrivateKey(readFileSync(at("key"))), file: at("pem") };
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** The CA's revocation list (DER) for the next days, with these certificates revoked as of now. */
export function revocationList(dir: string, by: Issued, revoked: readonly Issued[]): Buffer {
  const at = (name: string): string => join(dir, `${by.certificate.serialNumber}-${name}`);
  const later = "391231235959Z";
  const now = new Date(Date.now() - 60_000)
    .toISOString()
    .replace(/[-T:]|\.\d{3}/g, "")
    .slice(2);
  writeFileSync(at("index.txt"), revoked.map(({ certificate }) => `R\t${later}\t${now}\t${certificate.serialNumber}\tunknown\t/CN=revoked\n`).join(""));
  writeFileSync(at("index.txt.attr"), "unique_subject = no\n");
  writeFileSync(at("ca.cnf"), `[ca]\ndefault_ca=c\n[c]\ndatabase=${at("index.txt")}\ndefault_md=sha256\ndefault_crl_days=30\n`);
  openssl("ca", "-config", at("ca.cnf"), "-gencrl", "-cert", by.file, "-keyfile", by.file.replace(/pem$/, "key"), "-out", at("crl.pem"));
  openssl("crl", "-in", at("crl.pem"), "-outform", "DER", "-out", at("crl.der"));
  return readFileSync(at("crl.der"));
}
