/**
 * Makes what CloudTrail would have delivered for a trail: log objects, digest objects with their metadata, and the answer of
 * ListPublicKeys. Everything but the key follows from the options; the same key gives the same bytes.
 *
 *     const chain = digestChain({ key: signingKey(), digests: 5, logs: 3, seed: "a" });
 *     for (const object of chain.objects.values()) …put it under object.bucket and object.key with object.metadata
 */
import { constants, createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";

export type ChainObject = { readonly bucket: string; readonly key: string; readonly bytes: Buffer; readonly metadata: Readonly<Record<string, string>> };

export type SigningKey = { readonly privateKey: KeyObject; readonly fingerprint: string; readonly pkcs1: Buffer };

export type ChainOptions = {
  readonly key: SigningKey;
  readonly digests: number;
  /** In each digest; 0 makes the digests of an hour in which nothing was delivered. */
  readonly logs: number;
  readonly seed: string;
  /** The first digest of a second chain, where logging was stopped before it for so many hours. */
  readonly restart?: { readonly at: number; readonly hours: number };
  readonly bucket?: string;
  readonly start?: string;
  readonly account?: string;
  readonly region?: string;
  readonly trail?: string;
};

export type DigestChain = {
  readonly trailArn: string;
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  /** RFC 3339, from the beginning of the oldest digest's hour to the end of the newest's. */
  readonly since: string;
  readonly until: string;
  /** By `bucket/key`. */
  readonly objects: Map<string, ChainObject>;
  /** Oldest first. */
  readonly digestKeys: readonly string[];
  readonly logKeys: readonly string[];
  /** As ListPublicKeys writes it on the wire, times in seconds. */
  readonly publicKeys: unknown;
};

/** A digest file as it is written, before it is signed. */
export type DigestBody = { readonly [field: string]: unknown };

const hourMs = 3_600_000;
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");
const nameTime = (ms: number): string => timeOf(ms).replaceAll(/[-:]/g, "");
const folder = (ms: number): string => timeOf(ms).slice(0, 10).replaceAll("-", "/");
export const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export function signingKey(bits = 2048): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const pkcs1 = publicKey.export({ type: "pkcs1", format: "der" });
  return { privateKey, pkcs1, fingerprint: createHash("md5").update(pkcs1).digest("hex") };
}

/** Time in which the key was valid, in seconds since 1970. */
export function publicKeysOf(keys: readonly SigningKey[], from: number, until: number): unknown {
  return {
    PublicKeyList: keys.map((key) => ({
      Fingerprint: key.fingerprint,
      Value: key.pkcs1.toString("base64"),
      ValidityStartTime: from,
      ValidityEndTime: until,
    })),
  };
}

/** The stored object of a digest, and what the next digest says of it. */
export function signDigest(
  body: DigestBody,
  key: SigningKey,
  more: Readonly<Record<string, string>> = {},
): { readonly object: ChainObject; readonly link: DigestBody } {
  const bytes = Buffer.from(JSON.stringify(body), "utf8");
  const [bucket, name] = [String(body["digestS3Bucket"]), String(body["digestS3Object"])];
  const toSign = [body["digestEndTime"], `${bucket}/${name}`, sha256Hex(bytes), body["previousDigestSignature"] ?? "null"].join("\n");
  const signature = sign("sha256", Buffer.from(toSign), { key: key.privateKey, padding: constants.RSA_PKCS1_PADDING }).toString("hex");
  return {
    object: { bucket, key: name, bytes: gzipSync(bytes), metadata: { signature, "signature-algorithm": "SHA256withRSA", ...more } },
    link: {
      previousDigestS3Bucket: bucket,
      previousDigestS3Object: name,
      previousDigestHashValue: sha256Hex(bytes),
      previousDigestHashAlgorithm: "SHA-256",
      previousDigestSignature: signature,
    },
  };
}

export const noLink: DigestBody = {
  previousDigestS3Bucket: null,
  previousDigestS3Object: null,
  previousDigestHashValue: null,
  previousDigestHashAlgorithm: null,
  previousDigestSignature: null,
};

export function digestChain(options: ChainOptions): DigestChain {
  const { bucket = "trail-bucket", account = "111122223333", region = "eu-west-1", trail = "case-trail" } = options;
  const startMs = Date.parse(options.start ?? "2026-11-01T00:00:00Z");
  const objects = new Map<string, ChainObject>();
  const put = (object: ChainObject): void => void objects.set(`${object.bucket}/${object.key}`, object);
  const digestKeys: string[] = [];
  const logKeys: string[] = [];
  let link = noLink;
  let at = startMs;
  for (let i = 0; i < options.digests; i += 1) {
    if (options.restart?.at === i) {
      link = noLink;
      at += options.restart.hours * hourMs;
    }
    const logFiles = Array.from({ length: options.logs }, (_, j) => {
      const ms = at + Math.floor((hourMs / (options.logs + 1)) * (j + 1));
      const log = logObject(bucket, account, region, ms, `${options.seed}:${i}:${j}`);
      put(log.object);
      logKeys.push(log.object.key);
      return log.entry;
    });
    const end = at + hourMs;
    const key = `AWSLogs/${account}/CloudTrail-Digest/${region}/${folder(end)}/${account}_CloudTrail-Digest_${region}_${trail}_${region}_${nameTime(end)}.json.gz`;
    const body = {
      awsAccountId: account,
      digestStartTime: timeOf(at),
      digestEndTime: timeOf(end),
      digestS3Bucket: bucket,
      digestS3Object: key,
      digestPublicKeyFingerprint: options.key.fingerprint,
      digestSignatureAlgorithm: "SHA256withRSA",
      newestEventTime: options.logs === 0 ? null : timeOf(end),
      oldestEventTime: options.logs === 0 ? null : timeOf(at),
      ...link,
      logFiles,
    };
    const signed = signDigest(body, options.key);
    put(signed.object);
    digestKeys.push(key);
    link = signed.link;
    at = end;
  }
  const day = 86_400;
  return {
    trailArn: `arn:aws:cloudtrail:${region}:${account}:trail/${trail}`,
    account,
    region,
    bucket,
    since: timeOf(startMs),
    until: timeOf(at),
    objects,
    digestKeys,
    logKeys,
    publicKeys: publicKeysOf([options.key], startMs / 1000 - 30 * day, at / 1000 + 30 * day),
  };
}

function logObject(bucket: string, account: string, region: string, ms: number, seed: string): { readonly object: ChainObject; readonly entry: DigestBody } {
  const random = createHmac("sha256", seed).digest("hex");
  const record = { eventVersion: "1.11", eventTime: timeOf(Math.floor(ms / 1000) * 1000), eventName: "DescribeInstances", eventID: random, awsRegion: region };
  const content = Buffer.from(JSON.stringify({ Records: [record, { ...record, eventName: "StopLogging" }] }), "utf8");
  const minute = nameTime(Math.floor(ms / 60_000) * 60_000).slice(0, 13);
  const key = `AWSLogs/${account}/CloudTrail/${region}/${folder(ms)}/${account}_CloudTrail_${region}_${minute}Z_${random.slice(0, 16)}.json.gz`;
  return {
    object: { bucket, key, bytes: gzipSync(content), metadata: {} },
    entry: {
      s3Bucket: bucket,
      s3Object: key,
      hashValue: sha256Hex(content),
      hashAlgorithm: "SHA-256",
      newestEventTime: record.eventTime,
      oldestEventTime: record.eventTime,
    },
  };
}
