/** Lower-case hex of a SHA-256 digest: 64 characters. */
export type Sha256 = string & { readonly __brand: "Sha256" };

export function parseSha256(text: string): Sha256 {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new TypeError(`not a SHA-256 digest: ${JSON.stringify(text)}`);
  return text as Sha256; // the only cast to this type
}

export function sha256OfBytes(digest: Uint8Array): Sha256 {
  return parseSha256(Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("hex"));
}

/** S3 and C2SP write digests in base64; contract.md writes evidence digests in hex. */
export function base64OfSha256(digest: Sha256): string {
  return Buffer.from(digest, "hex").toString("base64");
}
