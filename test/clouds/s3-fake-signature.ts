import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { accessDenied, S3Error, Violation } from "./s3-fake-error.ts";

/** A session token makes them temporary: every request has to carry it. */
export type FakeCredentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

/** What a signature is about, and all that is needed of a request to check one. */
export type SignedRequest = Pick<IncomingMessage, "method" | "headers">;

/** Signature Version 4 in headers, as S3 checks it: a proxy that touches what was signed is found out. */
export function checkSignature(message: SignedRequest, url: URL, credentials: FakeCredentials): void {
  const authorization = message.headers.authorization;
  if (authorization === undefined) throw accessDenied();
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
    authorization,
  );
  const [, keyId, day, region, names, signature] = match ?? [];
  if (keyId === undefined || day === undefined || region === undefined || names === undefined || signature === undefined)
    throw new Violation(`Authorization that is not SigV4 in headers: ${authorization.slice(0, 60)}`);
  checkIdentity(keyId, headerOf(message, "x-amz-security-token"), credentials);
  const payload = headerOf(message, "x-amz-content-sha256");
  if (payload === "") throw new S3Error(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  expectSignature(message, url, { day, region, stamp: headerOf(message, "x-amz-date"), names, payload, signature }, credentials);
}

export function checkIdentity(keyId: string, token: string, credentials: FakeCredentials): void {
  if (keyId !== credentials.accessKeyId)
    throw new S3Error(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", [["AWSAccessKeyId", keyId]]);
  if (token !== (credentials.sessionToken ?? "")) throw new S3Error(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
}

export type Signed = {
  readonly day: string;
  readonly region: string;
  readonly stamp: string;
  /** The signed headers' names, joined by semicolons. */
  readonly names: string;
  /** Hash of the body, or the word that stands for it. */
  readonly payload: string;
  readonly signature: string;
};

export function expectSignature(message: SignedRequest, url: URL, given: Signed, credentials: FakeCredentials): void {
  const signed = given.names.split(";");
  const unsigned = Object.keys(message.headers).filter((name) => name.startsWith("x-amz-") && !signed.includes(name));
  if (unsigned.length > 0 || !signed.includes("host"))
    throw accessDenied("There were headers present in the request which were not signed", [["HeadersNotSigned", unsigned.join(", ")]]);
  const canonical = [
    message.method ?? "",
    url.pathname
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    canonicalQuery(url),
    ...signed.map((name) => `${name}:${headerOf(message, name).trim().replaceAll(/ +/g, " ")}`),
    "",
    given.names,
    given.payload,
  ].join("\n");
  const scope = `${given.day}/${given.region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", given.stamp, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  let key: Buffer = Buffer.from(`AWS4${credentials.secretAccessKey}`);
  for (const step of [given.day, given.region, "s3", "aws4_request"]) key = createHmac("sha256", key).update(step).digest();
  const expected = createHmac("sha256", key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(given.signature, "hex")))
    throw new S3Error(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      [["CanonicalRequest", canonical]],
    );
}

export function headerOf(message: SignedRequest, name: string): string {
  const value = message.headers[name];
  return value === undefined ? "" : Array.isArray(value) ? value.join(",") : value;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Everything but the signature itself, which only a presigned link carries here. */
function canonicalQuery(url: URL): string {
  const pairs = [...url.searchParams].filter(([name]) => name !== "X-Amz-Signature").map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.sort().join("&");
}
