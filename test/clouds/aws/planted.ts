import type { S3Client } from "@aws-sdk/client-s3";

/** An object as a service of AWS left it in somebody's bucket; metadata names are those after `x-amz-meta-`. */
export type Planted = { readonly key: string; readonly bytes: Uint8Array; readonly metadata: Readonly<Record<string, string>> };

/** Through the real client, so that whatever S3 is behind it keeps bytes and metadata its own way. */
export async function plant(s3: S3Client, bucket: string, objects: Iterable<Planted>): Promise<void> {
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  for (const { key, bytes, metadata } of objects) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, Metadata: { ...metadata } }));
}
