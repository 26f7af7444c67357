import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { type Probe, begin, bodies, complete, compliance, composite, fresh, lockSeen, put, sha, verdict } from "./s3-probe.ts";

export const multipartProbes: readonly Probe[] = [
  {
    name: "a part's SHA-256, right and wrong",
    aws: "echo, 400 BadDigest",
    minio: "echo, 400 XAmzContentChecksumMismatch",
    ask: async (store) => {
      const { Bucket, Key, UploadId, Parts } = await begin(store);
      const wrong = await verdict(store.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 3, Body: "x", ChecksumSHA256: sha("y") })));
      return `${Parts.every((p, i) => p.ChecksumSHA256 === sha(bodies[i] ?? "")) ? "echo" : "silent"}, ${wrong}`;
    },
  },
  {
    name: "a locked part without any checksum",
    aws: "400 InvalidRequest",
    minio: "accepted",
    versitygw: "accepted",
    ask: async ({ plain, Bucket }) => {
      const Key = fresh();
      const { UploadId } = await plain.send(new CreateMultipartUploadCommand({ Bucket, Key, ...compliance }));
      return verdict(plain.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" })));
    },
  },
  {
    name: "ListParts shows sizes and sums",
    aws: "true",
    ask: async (store) => {
      const { Bucket, Key, UploadId } = await begin(store);
      const { Parts } = await store.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
      return String(bodies.every((b, i) => Parts?.[i]?.Size === b.length && Parts[i]?.ChecksumSHA256 === sha(b)));
    },
  },
  {
    name: "Complete with a wrong part sum",
    aws: "400 InvalidPart",
    ask: async (store) => {
      const begun = await begin(store);
      return complete(store, { ...begun, Parts: begun.Parts.map((p) => ({ ...p, ChecksumSHA256: sha("no") })) });
    },
  },
  {
    name: "Complete without part sums",
    aws: "400 InvalidRequest",
    minio: "400 InvalidPart",
    ask: async (store) => {
      const begun = await begin(store);
      return complete(store, { ...begun, Parts: begun.Parts.map((p) => ({ ...p, ChecksumSHA256: undefined })) });
    },
  },
  {
    name: "Complete with a wrong composite",
    aws: "400 BadDigest",
    minio: "400 XAmzContentChecksumMismatch",
    ask: async (store) => complete(store, await begin(store), { ChecksumSHA256: sha("no"), ChecksumType: "COMPOSITE" }),
  },
  {
    name: "Complete with a wrong size",
    aws: "400 InvalidRequest",
    minio: "accepted",
    ask: async (store) => complete(store, await begin(store), { MpuObjectSize: 7 }),
  },
  {
    name: "HEAD after Complete: lock, hold, composite, size",
    aws: "COMPLIANCE true ON composite-2 5242884",
    ask: async (store) => {
      const begun = await begin(store);
      const { VersionId } = await store.s3.send(
        new CompleteMultipartUploadCommand({
          Bucket: begun.Bucket,
          Key: begun.Key,
          UploadId: begun.UploadId,
          MultipartUpload: { Parts: begun.Parts },
          ChecksumSHA256: composite,
          ChecksumType: "COMPOSITE",
          IfNoneMatch: "*",
        }),
      );
      const at = { Bucket: begun.Bucket, Key: begun.Key, VersionId };
      const head = await store.s3.send(new HeadObjectCommand({ ...at, ChecksumMode: "ENABLED" }));
      return `${await lockSeen(store, at)} ${head.ChecksumSHA256?.replace(composite, "composite")} ${head.ContentLength}`;
    },
  },
  {
    name: "DELETE of a version that Complete made",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => {
      const { Bucket, Key, UploadId, Parts } = await begin(store);
      const { VersionId } = await store.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
      return verdict(store.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId })));
    },
  },
  {
    name: "one attribute after Complete",
    aws: "5242884",
    ask: async (store) => {
      const begun = await begin(store);
      await complete(store, begun);
      return String(
        (await store.s3.send(new GetObjectAttributesCommand({ Bucket: begun.Bucket, Key: begun.Key, ObjectAttributes: ["ObjectSize"] }))).ObjectSize,
      );
    },
  },
  {
    name: "Complete again after a lost answer",
    aws: "404 NoSuchUpload",
    versitygw: "accepted",
    ask: async (store) => {
      const begun = await begin(store);
      await complete(store, begun);
      return complete(store, begun);
    },
  },
  {
    name: "Complete with If-None-Match on what exists leaves the upload open",
    aws: "412 PreconditionFailed, open",
    ask: async (store) => {
      const begun = await begin(store);
      await put(store, begun.Key);
      const first = await complete(store, begun, { IfNoneMatch: "*" });
      const open = await verdict(store.s3.send(new ListPartsCommand({ Bucket: begun.Bucket, Key: begun.Key, UploadId: begun.UploadId })));
      return `${first}, ${open === "accepted" ? "open" : open}`;
    },
  },
];
