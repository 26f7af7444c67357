/**
 * A trail's bucket as CloudTrail fills it: an hour of log files, then a digest file that names them and the digest before it,
 * signed, with the signature in the object's metadata (facts/aws §4). The keys are made here. `trail-damage.ts` spoils one on
 * demand; `plant` (planted.ts) puts it into any S3 server.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { TrailEvent, TrailKey } from "./cloudtrail-world.ts";
import type { Planted } from "./planted.ts";

export type TrailOptions = {
  readonly account: string;
  readonly region: string;
  readonly trail: string;
  /** The trail's home Region where it is another than the one that these files are of. */
  readonly home?: string;
  readonly bucket: string;
  /** Before `AWSLogs/`, without a slash at its end. */
  readonly prefix?: string;
  /** `o-…` of an organization's trail. */
  readonly organization?: string;
  /** On the hour. */
  readonly from: Date;
  readonly hours: number;
  readonly logsAnHour: number;
  /** Events of the trail files; made up where none are given. */
  readonly events?: readonly TrailEvent[];
  /** Before this hour (0…) the trail was stopped: its digest names no digest before it. */
  readonly restartedAt?: number;
};

export type SigningKey = { readonly fingerprint: string; readonly der: Buffer; readonly secret: KeyObject };

/** Objects by key, open to damage; digests and logs in order of time. */
export type TrailBucket = {
  readonly options: TrailOptions;
  readonly objects: Map<string, Planted>;
  readonly logs: readonly string[];
  readonly digests: readonly string[];
  readonly key: SigningKey;
  /** What ListPublicKeys tells. */
  readonly publicKey: TrailKey;
};

export type DigestLink = { readonly bucket: string; readonly key: string; readonly hash: string; readonly signature: string };
type LogEntry = {
  readonly s3Bucket: string;
  readonly s3Object: string;
  readonly hashValue: string;
  readonly hashAlgorithm: string;
  readonly newestEventTime: string;
  readonly oldestEventTime: string;
};
export type Digest = Record<string, unknown> & { readonly logFiles: readonly LogEntry[] };

const hour = 3_600_000;

export function signingKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = publicKey.export({ type: "pkcs1", format: "der" });
  return { fingerprint: createHash("md5").update(der).digest("hex"), der, secret: privateKey };
}

export function buildTrail(options: TrailOptions): TrailBucket {
  const key = signingKey();
  const objects = new Map<string, Planted>();
  const logs: string[] = [];
  const digests: string[] = [];
  let link: DigestLink | null = null;
  for (let i = 0; i < options.hours; i += 1) {
    const start = new Date(options.from.getTime() + i * hour);
    const files: LogEntry[] = [];
    for (let j = 0; j < options.logsAnHour; j += 1) {
      const entry = log(options, start, j, objects);
      files.push(entry);
      logs.push(entry.s3Object);
    }
    if (options.restartedAt === i) link = null;
    const name = digestKey(options, new Date(start.getTime() + hour));
    const digest = digestOf(options, key, name, start, files, link);
    link = putDigest(objects, options.bucket, name, digest, key);
    digests.push(name);
  }
  const publicKey: TrailKey = {
    region: options.region,
    fingerprint: key.fingerprint,
    der: key.der,
    validFrom: new Date(options.from.getTime() - 30 * 24 * hour),
    validUntil: new Date(options.from.getTime() + 365 * 24 * hour),
  };
  return { options, objects, logs, digests, key, publicKey };
}

function log(options: TrailOptions, start: Date, index: number, objects: Map<string, Planted>): LogEntry {
  const { account, region, bucket, logsAnHour } = options;
  const begin = start.getTime() + (index * hour) / logsAnHour;
  const end = begin + hour / logsAnHour;
  const given = (options.events ?? []).filter(({ time }) => time.getTime() >= begin && time.getTime() < end).map(({ record }) => record);
  const time = stamp(new Date(begin));
  const filler = { eventVersion: "1.11", eventTime: time, eventName: "DescribeInstances", eventID: `${begin}`, awsRegion: region, recipientAccountId: account };
  const body = Buffer.from(JSON.stringify({ Records: [filler, ...given] }));
  const hash = sha256(body);
  const name = `${base(options)}/CloudTrail/${region}/${day(new Date(begin))}/${account}_CloudTrail_${region}_${compact(new Date(end)).slice(0, 13)}Z_${hash.slice(0, 16)}.json.gz`;
  objects.set(name, { key: name, bytes: gzipSync(body), metadata: {} });
  return { s3Bucket: bucket, s3Object: name, hashValue: hash, hashAlgorithm: "SHA-256", newestEventTime: time, oldestEventTime: time };
}

export function digestKey(options: TrailOptions, end: Date, backfill = false): string {
  const { account, region, trail, home = region } = options;
  return `${base(options)}/CloudTrail-Digest/${region}/${day(end)}/${account}_CloudTrail-Digest_${region}_${trail}_${home}_${compact(end)}${backfill ? "_backfill" : ""}.json.gz`;
}

export function digestOf(options: TrailOptions, key: SigningKey, name: string, start: Date, logFiles: readonly LogEntry[], link: DigestLink | null): Digest {
  return {
    awsAccountId: options.account,
    digestStartTime: stamp(start),
    digestEndTime: stamp(new Date(start.getTime() + hour)),
    digestS3Bucket: options.bucket,
    digestS3Object: name,
    digestPublicKeyFingerprint: key.fingerprint,
    digestSignatureAlgorithm: "SHA256withRSA",
    newestEventTime: logFiles.at(-1)?.newestEventTime ?? null,
    oldestEventTime: logFiles[0]?.oldestEventTime ?? null,
    previousDigestS3Bucket: link?.bucket ?? null,
    previousDigestS3Object: link?.key ?? null,
    previousDigestHashValue: link?.hash ?? null,
    previousDigestHashAlgorithm: link === null ? null : "SHA-256",
    previousDigestSignature: link?.signature ?? null,
    logFiles,
  };
}

/** Signs and stores; what a later digest has to say of it comes back. */
export function putDigest(
  objects: Map<string, Planted>,
  bucket: string,
  name: string,
  digest: Digest,
  key: SigningKey,
  more: Readonly<Record<string, string>> = {},
): DigestLink {
  const body = Buffer.from(JSON.stringify(digest));
  const hash = sha256(body);
  const signed = [digest["digestEndTime"], `${bucket}/${name}`, hash, digest["previousDigestSignature"] ?? "null"].join("\n");
  const signature = sign("sha256", Buffer.from(signed), key.secret).toString("hex");
  objects.set(name, { key: name, bytes: gzipSync(body), metadata: { signature, "signature-algorithm": "SHA256withRSA", ...more } });
  return { bucket, key: name, hash, signature };
}

function base({ prefix, organization, account }: TrailOptions): string {
  return `${prefix === undefined ? "" : `${prefix}/`}AWSLogs/${organization === undefined ? "" : `${organization}/`}${account}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function compact(date: Date): string {
  return stamp(date).replaceAll(/[-:]/g, "");
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll("-", "/");
}
