import { createHash, randomBytes } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Vault } from "../../src/core/vault.ts";
import { openS3Vault, type S3VaultOptions } from "../../src/vault/s3.ts";
import type { VaultBench } from "./vault-bench.ts";

export type S3Place = {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly bucket: string;
};

/** A bucket of its own on a server of the server tier. */
export function placeOf(server: { readonly url: string; readonly accessKeyId: string; readonly secretAccessKey: string }, purpose: string): S3Place {
  const { accessKeyId, secretAccessKey } = server;
  return { endpoint: server.url, credentials: { accessKeyId, secretAccessKey }, bucket: `${purpose}-${randomBytes(6).toString("hex")}` };
}

/** A vault on a test server, with everything of the outside world given. */
export function s3VaultOf(place: S3Place, more: Partial<S3VaultOptions> = {}): Vault {
  return openS3Vault({
    name: "s3",
    region: "us-east-1",
    pathStyle: true,
    prefix: "holdfast/",
    mode: "compliance",
    kmsKey: null,
    acceptBypassable: false,
    expectedOwner: null,
    clock: () => new Date(),
    random: (bytes) => randomBytes(bytes),
    ...place,
    ...more,
  });
}

export function s3ClientOf(place: S3Place): S3Client {
  return new S3Client({ endpoint: place.endpoint, region: "us-east-1", credentials: place.credentials, forcePathStyle: true });
}

export async function makeLockedBucket(place: S3Place): Promise<void> {
  const client = s3ClientOf(place);
  await client.send(new CreateBucketCommand({ Bucket: place.bucket, ObjectLockEnabledForBucket: true }));
  client.destroy();
}

/** Looks at the store with a client of its own. */
export function s3BenchOf(place: S3Place, stop: () => Promise<void>, more: Partial<S3VaultOptions> = {}): VaultBench {
  const vault = s3VaultOf(place, more);
  const client = s3ClientOf(place);
  const Bucket = place.bucket;
  const fullKey = (key: string): string => `holdfast/${key}`;
  return {
    vault,
    async raw(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: fullKey(key) }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (error instanceof S3ServiceException && error.name === "NoSuchKey") return null;
        throw error;
      }
    },
    async count(key) {
      const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: fullKey(key) }));
      return (Versions ?? []).filter((version) => version.Key === fullKey(key)).length;
    },
    async unfinished(key) {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: fullKey(key) }));
      return (Uploads ?? []).filter((upload) => upload.Key === fullKey(key)).length;
    },
    async spoilPart(key, token, number, size) {
      const other = Buffer.alloc(size, `spoiled ${number}`);
      const ChecksumSHA256 = createHash("sha256").update(other).digest("base64");
      await client.send(new UploadPartCommand({ Bucket, Key: fullKey(key), UploadId: uploadOf(token), PartNumber: number, Body: other, ChecksumSHA256 }));
    },
    async loseUpload(key, token) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key: fullKey(key), UploadId: uploadOf(token) }));
    },
    async close() {
      client.destroy();
      await stop();
    },
  };
}

function uploadOf(token: string): string {
  const value: unknown = JSON.parse(token);
  if (typeof value === "object" && value !== null && "upload" in value && typeof value.upload === "string") return value.upload;
  throw new TypeError(`no upload in ${token}`);
}
