import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { accessDenied, S3Error, Violation } from "./s3-fake-error.ts";

export type FakeCredentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** Signature Version 4 in headers, as S3 checks it: a proxy that touches what was signed is found out. */
export function checkSignature(message: IncomingMessage, url: URL, credentials: FakeCredentials): void {
  const authorization = message.headers.authorization;
  if (authorization === undefined) throw accessDenied();
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    authorization,
  );
  const [, keyId, day, region, names, signature] = match ?? [];
  if (keyId === undefined || day === undefined || region === undefined || names === undefined || signature === undefined)
    throw new Violation(`Authorization that is not SigV4 in headers: ${authorization.slice(0, 60)}`);
  if (keyId !== credentials.accessKeyId)
    throw new S3Error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", [["AWSAccessKeyId", keyId]]);
  const signed = names.split(";");
  const payload = header(message, "x-amz-content-sha256");
  if (payload === "") throw new S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  for (const name of Object.keys(message.headers))
    if (name.startsWith("x-amz-") && !signed.includes(name)) throw accessDenied("There were headers present in the request which were not signed");
  if (!signed.includes("host")) throw accessDenied("There were headers present in the request which were not signed");
  const canonical = [
    message.method ?? "",
    url.pathname
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    canonicalQuery(url),
    ...signed.map((name) => `${name}:${header(message, name).trim().replaceAll(/ +/g, " ")}`),
    "",
    names,
    payload,
  ].join("\n");
  const stamp = header(message, "x-amz-date");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", stamp, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  let key: Buffer = Buffer.from(`AWS4${credentials.secretAccessKey}`);
  for (const step of [day, region, "s3", "aws4_request"]) key = createHmac("sha256", key).update(step).digest();
  const expected = createHmac("sha256", key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex")))
    throw new S3Error(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      [["CanonicalRequest", canonical]],
    );
}

function header(message: IncomingMessage, name: string): string {
  const value = message.headers[name];
  return value === undefined ? "" : Array.isArray(value) ? value.join(",") : value;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.sort().join("&");
}
