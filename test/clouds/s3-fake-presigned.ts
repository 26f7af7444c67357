import { accessDenied, S3Error } from "./s3-fake-error.ts";
import { checkIdentity, expectSignature, type FakeCredentials, headerOf, type SignedRequest } from "./s3-fake-signature.ts";

/** "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)": the query names that are about the signature. */
const presignNames: readonly string[] = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
  "X-Amz-Security-Token",
  "X-Amz-Content-Sha256",
];

export function isPresigned(query: URLSearchParams): boolean {
  return ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"].some((name) => query.has(name));
}

/** The query of the operation alone. */
export function withoutPresigning(query: URLSearchParams): URLSearchParams {
  return isPresigned(query) ? new URLSearchParams([...query].filter(([name]) => !presignNames.includes(name))) : query;
}

const wrongParameters = (message: string): S3Error => new S3Error(400, "AuthorizationQueryParametersError", message);

/** Signature Version 4 in the query, as S3 checks it, against the clock of the server. */
export function checkPresigned(message: SignedRequest, url: URL, credentials: FakeCredentials, now: Date): void {
  const query = (name: string): string => url.searchParams.get(name) ?? "";
  if (headerOf(message, "authorization") !== "")
    throw new S3Error(
      400,
      "InvalidArgument",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
    );
  if (["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"].some((name) => query(name) === ""))
    throw wrongParameters(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  if (query("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256") throw wrongParameters('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const [, keyId, day, region] = /^([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(query("X-Amz-Credential")) ?? [];
  if (keyId === undefined || day === undefined || region === undefined)
    throw wrongParameters(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  const seconds = Number(query("X-Amz-Expires"));
  if (!/^\d+$/.test(query("X-Amz-Expires"))) throw wrongParameters("X-Amz-Expires should be a number");
  if (seconds > 604_800)
    throw wrongParameters("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds");
  const stamp = query("X-Amz-Date");
  const from = parseStamp(stamp);
  if (from === null || !stamp.startsWith(day)) throw wrongParameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  checkIdentity(keyId, query("X-Amz-Security-Token"), credentials);
  if (!/^[0-9a-f]{64}$/.test(query("X-Amz-Signature"))) throw new S3Error(403, "SignatureDoesNotMatch", "The signature is not 64 hex digits.");
  const until = new Date(from.getTime() + seconds * 1000);
  const times = [
    ["Expires", until.toISOString()],
    ["ServerTime", now.toISOString()],
  ] as const;
  if (now.getTime() > until.getTime()) throw accessDenied("Request has expired", times);
  // Fifteen minutes are what S3 allows to clocks.
  if (from.getTime() > now.getTime() + 900_000) throw accessDenied("Request is not valid yet", times);
  const header = headerOf(message, "x-amz-content-sha256");
  const payload = query("X-Amz-Content-Sha256") || header || "UNSIGNED-PAYLOAD";
  expectSignature(message, url, { day, region, stamp, names: query("X-Amz-SignedHeaders"), payload, signature: query("X-Amz-Signature") }, credentials);
}

function parseStamp(text: string): Date | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}
