import type { S3Client } from "@aws-sdk/client-s3";
import { HoldfastError } from "../core/error.ts";
import type { UploadLinks } from "../core/landing.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { rfc3339 } from "./s3-lock.ts";

/** The longest that S3 takes: a week ("Authenticating Requests: Using Query Parameters", X-Amz-Expires). */
const longest = 604_800;
const lastPart = 10_000;

/**
 * Links that write one part of one upload each. The owner of the bucket was checked when the upload began, and an upload id means
 * nothing in another bucket. Host is the only signed header, so that the host may add Content-MD5 and nothing that begins with
 * x-amz-: S3 refuses those unsigned.
 */
export async function linksToParts(
  link: S3Link,
  fullKey: string,
  upload: string,
  range: { readonly from: number; readonly count: number; readonly seconds: number },
  signal: AbortSignal,
): Promise<UploadLinks> {
  const { from, count, seconds } = range;
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 1 || count < 1 || from + count - 1 > lastPart)
    throw new HoldfastError(
      "unexpected",
      `${printable(fullKey)}: links for parts ${from} to ${from + count - 1} were asked for; an upload has parts 1 to ${lastPart}`,
    );
  checkSeconds(fullKey, seconds);
  return link.ask({
    what: `sign upload links for ${fullKey}`,
    signal,
    send: async (client, sdk) => {
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const life = await lifeOf(client, link, seconds);
      const signatures: string[] = [];
      let template: string | null = null;
      for (let part = from; part < from + count; part++) {
        const command = new sdk.UploadPartCommand({ Bucket: link.options.bucket, Key: fullKey, UploadId: upload, PartNumber: part });
        const cut = cutLink(await getSignedUrl(client, command, { expiresIn: life.seconds, signingDate: life.from }), part);
        // Credentials that were renewed between two signatures would make a template that fits only some of them.
        if (cut === null || (template !== null && cut.template !== template) || !isSignedBy(cut.template, life.accessKeyId)) throw oddLink(fullKey);
        template = cut.template;
        signatures.push(cut.signature);
      }
      if (template === null) throw oddLink(fullKey);
      return { template, from, signatures, expires: life.expires };
    },
  });
}

/** A link that reads exactly one version. */
export async function linkToRead(link: S3Link, fullKey: string, version: string, seconds: number, signal: AbortSignal): Promise<string> {
  checkSeconds(fullKey, seconds);
  return link.ask({
    what: `sign a read link for ${fullKey}`,
    signal,
    send: async (client, sdk) => {
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const life = await lifeOf(client, link, seconds);
      const command = new sdk.GetObjectCommand({ Bucket: link.options.bucket, Key: fullKey, VersionId: version });
      return getSignedUrl(client, command, { expiresIn: life.seconds, signingDate: life.from });
    },
  });
}

function checkSeconds(fullKey: string, seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longest)
    throw new HoldfastError("unexpected", `${printable(fullKey)}: a link for ${seconds} s was asked for; S3 signs for 1 to ${longest} whole seconds`);
}

type Life = { readonly from: Date; readonly seconds: number; readonly expires: string; readonly accessKeyId: string };

/** A link dies with the credentials that signed it, whatever it says of itself: it is made to say so. */
async function lifeOf(client: S3Client, link: S3Link, seconds: number): Promise<Life> {
  const { accessKeyId, expiration } = await client.config.credentials();
  const from = Math.floor(link.options.clock().getTime() / 1000); // X-Amz-Date has whole seconds
  const left = expiration === undefined ? seconds : Math.min(seconds, Math.floor(expiration.getTime() / 1000) - from);
  if (left < 1) throw Object.assign(new Error("the credentials end before a link could be used"), { name: "ExpiredToken" });
  return { from: new Date(from * 1000), seconds: left, expires: rfc3339(new Date((from + left) * 1000)), accessKeyId };
}

/** A presigned link without what is its own; null where it is not of the form that every link must have. */
function cutLink(url: string, part: number): { readonly template: string; readonly signature: string } | null {
  const signature = /[?&]X-Amz-Signature=([0-9a-f]{64})(?:&|$)/.exec(url)?.[1];
  if (signature === undefined || /[{}]/.test(url) || !/[?&]X-Amz-SignedHeaders=host(?:&|$)/.test(url)) return null;
  // A checksum in a link would be that of an empty body: every real part would be refused (facts/aws §7.5).
  if (/[?&]x-amz-(?:sdk-)?checksum-/i.test(url)) return null;
  const numbers = url.match(/(?<=[?&])partNumber=\d+(?=&|$)/g);
  if (numbers?.length !== 1 || numbers[0] !== `partNumber=${part}`) return null;
  const template = url.replace(/(?<=[?&])partNumber=\d+(?=&|$)/, "partNumber={part}").replace(`X-Amz-Signature=${signature}`, "X-Amz-Signature={signature}");
  return { template, signature };
}

function isSignedBy(template: string, accessKeyId: string): boolean {
  return template.includes(`X-Amz-Credential=${encodeURIComponent(`${accessKeyId}/`)}`);
}

function oddLink(fullKey: string): HoldfastError {
  return new HoldfastError(
    "vault",
    `${printable(fullKey)}: the upload links came out unlike each other (the credentials changed meanwhile?); resume signs them again`,
  );
}
