/**
 * An S3 server that says something else than what it did. Everything is really done upstream unless the lie says otherwise.
 *
 *     const liar = await startLyingProxy(fake.url, ["governance-for-compliance"]);
 *     new S3Client({ ...fake.clientConfig, endpoint: liar.url });
 *     liar.tell(["day-short", "hold-off"]); await liar.stop();
 */
import type { IncomingHttpHeaders } from "node:http";
import { answerXml, bodyText, type Exchange, type S3Proxy, relay, startProxy } from "./proxy.ts";
import { errorDocument } from "./s3-fake-xml.ts";

export const lies = [
  "lock-not-in-head", // HEAD and GET without lock headers; GetObjectRetention is honest
  "lock-not-anywhere", // … and GetObjectRetention says that there is none
  "governance-for-compliance", // HEAD and GetObjectRetention
  "governance-in-retention", // GetObjectRetention alone
  "governance-in-head",
  "day-short", // retain-until one day earlier, HEAD and GetObjectRetention
  "another-version", // PUT and Complete name a version that is not the one they made
  "no-version", // PUT and Complete name none
  "another-version-in-head", // HEAD answers for another version than it was asked for
  "retention-forbidden", // 403 on GetObjectRetention: unknown, not unlocked
  "hold-forbidden",
  "retention-garbled", // 200 and no XML
  "hold-off", // OFF for ON, HEAD and GetObjectLegalHold
  "wrong-checksum", // HEAD
  "no-checksum", // HEAD
  "wrong-size", // HEAD
  "delete-accepted", // 204 for deleting a locked version, nothing done
  "shorten-accepted", // 200 for PutObjectRetention, nothing done
] as const;
export type Lie = (typeof lies)[number];

export type LyingProxy = S3Proxy & { tell(lies: readonly Lie[]): void };

export async function startLyingProxy(upstream: string, first: readonly Lie[]): Promise<LyingProxy> {
  let told = new Set<Lie>(first);
  const proxy = await startProxy(upstream, (exchange) => lie(exchange, told));
  return {
    ...proxy,
    tell: (next) => {
      told = new Set(next);
    },
  };
}

async function lie(exchange: Exchange, told: ReadonlySet<Lie>): Promise<void> {
  const { operation, query } = exchange;
  const refuse = (status: number, code: string): Promise<void> =>
    answerXml(
      exchange,
      status,
      errorDocument([
        ["Code", code],
        ["Message", code],
      ]),
    );
  switch (operation) {
    case "GetObjectRetention":
      if (told.has("retention-forbidden")) return refuse(403, "AccessDenied");
      if (told.has("lock-not-anywhere")) return refuse(404, "NoSuchObjectLockConfiguration");
      if (told.has("retention-garbled")) return answerXml(exchange, 200, "<html><body>all is well</body></html>");
      return relayText(exchange, (text) => retentionText(text, told));
    case "GetObjectLegalHold":
      if (told.has("hold-forbidden")) return refuse(403, "AccessDenied");
      return relayText(exchange, (text) => (told.has("hold-off") ? text.replace("<Status>ON<", "<Status>OFF<") : text));
    case "DeleteObject":
      if (told.has("delete-accepted") && query.has("versionId")) return answerXml(exchange, 204, "");
      return relay(exchange, await exchange.forward());
    case "PutObjectRetention":
      if (told.has("shorten-accepted")) return answerXml(exchange, 200, "");
      return relay(exchange, await exchange.forward());
    case "PutObject":
    case "CreateMultipartUpload":
    case "CompleteMultipartUpload":
      return relay(exchange, await exchange.forward(), { headers: (headers) => writtenHeaders(headers, told) });
    case "HeadObject":
    case "GetObject":
      return relay(exchange, await exchange.forward(), { headers: (headers) => readHeaders(headers, told, operation === "HeadObject") });
    default:
      return relay(exchange, await exchange.forward());
  }
}

function writtenHeaders(headers: IncomingHttpHeaders, told: ReadonlySet<Lie>): IncomingHttpHeaders {
  const out = { ...headers };
  if (told.has("another-version") && out["x-amz-version-id"] !== undefined) out["x-amz-version-id"] = otherVersion;
  if (told.has("no-version")) delete out["x-amz-version-id"];
  return out;
}

/** Shaped like the ids of real stores, so that nobody refuses it for its form. */
const otherVersion = "0f3b7c1e-5d2a-4c8b-9e6f-a1b2c3d4e5f6";

function readHeaders(headers: IncomingHttpHeaders, told: ReadonlySet<Lie>, head: boolean): IncomingHttpHeaders {
  const out = { ...headers };
  if (told.has("lock-not-in-head") || told.has("lock-not-anywhere"))
    for (const name of Object.keys(out)) if (name.startsWith("x-amz-object-lock-")) delete out[name];
  if ((told.has("governance-for-compliance") || told.has("governance-in-head")) && out["x-amz-object-lock-mode"] === "COMPLIANCE")
    out["x-amz-object-lock-mode"] = "GOVERNANCE";
  const until = out["x-amz-object-lock-retain-until-date"];
  if (told.has("day-short") && typeof until === "string") out["x-amz-object-lock-retain-until-date"] = dayBefore(until);
  if (told.has("hold-off") && out["x-amz-object-lock-legal-hold"] === "ON") out["x-amz-object-lock-legal-hold"] = "OFF";
  if (!head) return out;
  const sum = out["x-amz-checksum-sha256"];
  if (told.has("wrong-checksum") && typeof sum === "string") out["x-amz-checksum-sha256"] = `${sum.startsWith("A") ? "B" : "A"}${sum.slice(1)}`;
  if (told.has("no-checksum")) for (const name of Object.keys(out)) if (name.startsWith("x-amz-checksum-")) delete out[name];
  if (told.has("wrong-size")) out["content-length"] = String(Number(out["content-length"]) + 1);
  if (told.has("another-version-in-head")) out["x-amz-version-id"] = otherVersion;
  return out;
}

function retentionText(text: string, told: ReadonlySet<Lie>): string {
  let out = text;
  if (told.has("governance-for-compliance") || told.has("governance-in-retention")) out = out.replace(">COMPLIANCE<", ">GOVERNANCE<");
  if (told.has("day-short")) out = out.replace(/<RetainUntilDate>([^<]+)</, (_, date: string) => `<RetainUntilDate>${dayBefore(date)}<`);
  return out;
}

function dayBefore(date: string): string {
  return new Date(new Date(date).getTime() - 86_400_000).toISOString();
}

async function relayText(exchange: Exchange, change: (text: string) => string): Promise<void> {
  const answer = await exchange.forward();
  const bytes = Buffer.from(change(await bodyText(answer)));
  const { response } = exchange;
  const headers = { ...answer.headers, "content-length": String(bytes.length) };
  delete headers.connection;
  delete headers["transfer-encoding"];
  response.sendDate = false;
  response.writeHead(answer.statusCode ?? 502, headers);
  response.end(bytes);
}
