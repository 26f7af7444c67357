import { DeleteObjectCommand, HeadBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { type Probe, compliance, fresh, put, sha, verdict } from "./s3-probe.ts";

export const writeProbes: readonly Probe[] = [
  {
    name: "a past date",
    aws: "400 InvalidArgument",
    minio: "400 InvalidRequest",
    ask: (store) => verdict(put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: new Date("2020-01-01T00:00:00Z") })),
  },
  {
    name: "a mode without a date",
    aws: "400 InvalidArgument",
    minio: "400 InvalidRequest",
    ask: (store) => verdict(put(store, fresh(), { ObjectLockMode: "COMPLIANCE" })),
  },
  {
    name: "a wrong SHA-256",
    aws: "400 BadDigest",
    minio: "400 XAmzContentChecksumMismatch",
    ask: (store) => verdict(put(store, fresh(), { ChecksumSHA256: sha("two") })),
  },
  {
    name: "a locked PUT without any checksum",
    aws: "400 InvalidRequest",
    minio: "accepted",
    versitygw: "accepted",
    ask: ({ plain, Bucket }) => verdict(plain.send(new PutObjectCommand({ Bucket, Key: fresh(), Body: "one", ...compliance }))),
  },
  {
    name: "If-None-Match on what exists",
    aws: "412 PreconditionFailed",
    ask: async (store) => {
      const { Key } = await put(store, fresh());
      return verdict(put(store, Key, { IfNoneMatch: "*" }));
    },
  },
  {
    name: "If-None-Match, eight at once",
    aws: "1",
    versitygw: /^[1-8]$/,
    ask: async (store) => {
      const Key = fresh();
      // versitygw looks and then writes: measured, 6 of 40 times more than one of the eight went through.
      const all = await Promise.all(Array.from({ length: 8 }, () => verdict(put(store, Key, { IfNoneMatch: "*" }))));
      return String(all.filter((v) => v === "accepted").length);
    },
  },
  {
    name: "If-None-Match over a delete marker",
    aws: "accepted",
    versitygw: "412 PreconditionFailed",
    ask: async (store) => {
      const { Bucket, Key } = await put(store, fresh());
      await store.s3.send(new DeleteObjectCommand({ Bucket, Key }));
      return verdict(put(store, Key, { IfNoneMatch: "*" }));
    },
  },
  {
    name: "another account's number as ExpectedBucketOwner",
    aws: "403 AccessDenied",
    minio: "accepted",
    ask: (store) => verdict(put(store, fresh(), { ExpectedBucketOwner: "999999999999" })),
  },
  {
    name: "HeadBucket of a bucket that is not there",
    aws: "404 NotFound",
    ask: ({ s3 }) => verdict(s3.send(new HeadBucketCommand({ Bucket: "no-such-bucket-here" }))),
  },
];
