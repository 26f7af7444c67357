/** What a command acts on: the bucket, any object below the prefix, a sentinel of the probe, or the vault's KMS key. */
type Place = "bucket" | "object" | "sentinel" | "key";

export type S3Permission = { readonly permission: string; readonly on: Place };

const write: readonly S3Permission[] = [
  { permission: "s3:PutObject", on: "object" },
  { permission: "s3:PutObjectRetention", on: "object" },
  { permission: "s3:PutObjectLegalHold", on: "object" },
  { permission: "kms:GenerateDataKey", on: "key" },
  { permission: "kms:Decrypt", on: "key" }, // parts of an upload are read again to be joined
];
const read: readonly S3Permission[] = [
  { permission: "s3:GetObject", on: "object" },
  { permission: "s3:GetObjectVersion", on: "object" },
  // Without it the store says 403 of an object that is not there, and "missing" could not be told from "denied".
  { permission: "s3:ListBucket", on: "bucket" },
  { permission: "kms:Decrypt", on: "key" },
];

/**
 * The rights that the S3 vault needs, by the command that needs them. Never among them: BypassGovernanceRetention,
 * PutBucketObjectLockConfiguration, and DeleteObjectVersion of anything but a sentinel.
 */
export const s3Permissions: Readonly<Record<string, readonly S3Permission[]>> = {
  AbortMultipartUpload: [{ permission: "s3:AbortMultipartUpload", on: "object" }],
  CompleteMultipartUpload: write,
  CreateMultipartUpload: write,
  // The probe's delete must fail by the lock and not for want of the right (facts/aws §7.7).
  DeleteObject: [
    { permission: "s3:DeleteObject", on: "sentinel" },
    { permission: "s3:DeleteObjectVersion", on: "sentinel" },
  ],
  GetBucketVersioning: [{ permission: "s3:GetBucketVersioning", on: "bucket" }],
  GetObject: read,
  GetObjectLegalHold: [{ permission: "s3:GetObjectLegalHold", on: "object" }],
  GetObjectLockConfiguration: [{ permission: "s3:GetBucketObjectLockConfiguration", on: "bucket" }],
  GetObjectRetention: [{ permission: "s3:GetObjectRetention", on: "object" }],
  HeadObject: read,
  ListMultipartUploads: [{ permission: "s3:ListBucketMultipartUploads", on: "bucket" }],
  ListObjectVersions: [{ permission: "s3:ListBucketVersions", on: "bucket" }],
  ListParts: [{ permission: "s3:ListMultipartUploadParts", on: "object" }],
  PutObject: write,
  PutObjectLegalHold: [{ permission: "s3:PutObjectLegalHold", on: "object" }],
  PutObjectRetention: [{ permission: "s3:PutObjectRetention", on: "object" }],
  UploadPart: write,
};

/** Where the probe's sentinels lie, below the vault's prefix. */
export const sentinelFolder = "holdfast-sentinel/";
