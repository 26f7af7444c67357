import * as buckets from "./s3-fake-buckets.ts";
import type { Answer, Call } from "./s3-fake-call.ts";
import * as lists from "./s3-fake-lists.ts";
import * as multipart from "./s3-fake-multipart.ts";
import * as objects from "./s3-fake-objects.ts";
import type { OperationName } from "./s3-fake-operations.ts";
import * as retention from "./s3-fake-retention.ts";
import * as settings from "./s3-fake-settings.ts";

/** What carries out each operation. */
export const handlers: Readonly<Record<OperationName, (call: Call) => Answer | Promise<Answer>>> = {
  ListBuckets: buckets.listBuckets,
  CreateBucket: buckets.createBucket,
  DeleteBucket: buckets.deleteBucket,
  HeadBucket: buckets.headBucket,
  GetBucketLocation: buckets.getBucketLocation,
  GetBucketVersioning: buckets.getBucketVersioning,
  PutBucketVersioning: buckets.putBucketVersioning,
  GetObjectLockConfiguration: buckets.getObjectLockConfiguration,
  PutObjectLockConfiguration: buckets.putObjectLockConfiguration,
  GetBucketPolicy: settings.getBucketPolicy,
  GetBucketLifecycleConfiguration: settings.getBucketLifecycleConfiguration,
  GetBucketLogging: settings.getBucketLogging,
  ListObjectVersions: lists.listObjectVersions,
  ListObjectsV2: lists.listObjectsV2,
  ListMultipartUploads: lists.listMultipartUploads,
  DeleteObjects: buckets.deleteObjects,
  PutObject: objects.putObject,
  GetObject: objects.getObject,
  HeadObject: objects.headObject,
  DeleteObject: objects.deleteObject,
  GetObjectAttributes: retention.getObjectAttributes,
  GetObjectRetention: retention.getObjectRetention,
  PutObjectRetention: retention.putObjectRetention,
  GetObjectLegalHold: retention.getObjectLegalHold,
  PutObjectLegalHold: retention.putObjectLegalHold,
  CreateMultipartUpload: multipart.createMultipartUpload,
  UploadPart: multipart.uploadPart,
  ListParts: multipart.listParts,
  CompleteMultipartUpload: multipart.completeMultipartUpload,
  AbortMultipartUpload: multipart.abortMultipartUpload,
};
