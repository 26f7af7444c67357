import { createHash } from "node:crypto";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectRetentionCommand,
  UploadPartCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";

/**
 * One question to an S3 server, its answer as a line, and the answer of each server that is known to differ from AWS's
 * (facts/stand-ins §4). The fake is held to AWS's column.
 */
export type Probe = {
  readonly name: string;
  readonly ask: (store: ProbeStore) => Promise<string>;
  readonly aws: string;
  readonly minio?: string;
  /** A pattern where its answer is not always the same. */
  readonly versitygw?: string | RegExp;
};

/** A bucket with Object Lock of its own, and the SDK that speaks to it. */
export type ProbeStore = {
  readonly s3: S3Client;
  /** Sends no checksum of its own accord. */
  readonly plain: S3Client;
  readonly Bucket: string;
  /** The server's clock. */
  readonly clock: () => Date;
  /** Lets that many milliseconds pass on the server's clock. */
  readonly pass: (milliseconds: number) => Promise<void>;
};
export type ProbeTime = Pick<ProbeStore, "clock" | "pass">;

export async function probeStore(s3: S3Client, plain: S3Client, Bucket: string, time: ProbeTime): Promise<ProbeStore> {
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  return { s3, plain, Bucket, ...time };
}

export const sha = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("base64");
export const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000);
export const inSeconds = ({ clock }: ProbeStore, seconds: number): Date => new Date(Math.ceil(clock().getTime() / 1000) * 1000 + seconds * 1000);
export const until: Date = inDays(3);
export const compliance: { readonly ObjectLockMode: "COMPLIANCE"; readonly ObjectLockRetainUntilDate: Date } = {
  ObjectLockMode: "COMPLIANCE",
  ObjectLockRetainUntilDate: until,
};
export const governance: { readonly ObjectLockMode: "GOVERNANCE"; readonly ObjectLockRetainUntilDate: Date } = {
  ObjectLockMode: "GOVERNANCE",
  ObjectLockRetainUntilDate: until,
};
/** The smallest part that may have a successor. */
const big = 5 << 20;

export async function verdict(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "accepted";
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return `${error.$metadata.httpStatusCode} ${error.name}`;
  }
}

let serial = 0;
export const fresh = (): string => `probe-${++serial}`;

export async function put(
  { s3, Bucket }: ProbeStore,
  Key: string,
  more: Partial<PutObjectCommandInput> = {},
): Promise<{ Bucket: string; Key: string; VersionId: string | undefined }> {
  const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "one", ChecksumSHA256: sha("one"), ...more }));
  return { Bucket, Key, VersionId };
}

export const retain = (store: ProbeStore, at: object, Mode: "COMPLIANCE" | "GOVERNANCE", date: Date, bypass: boolean = false): Promise<string> =>
  verdict(
    store.s3.send(
      new PutObjectRetentionCommand({ Bucket: store.Bucket, Key: "", ...at, Retention: { Mode, RetainUntilDate: date }, BypassGovernanceRetention: bypass }),
    ),
  );

export type Begun = {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
  readonly Parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256: string | undefined }[];
};
export const bodies: readonly Buffer[] = [Buffer.alloc(big, 1), Buffer.from("tail")];
export const composite: string = sha(Buffer.concat(bodies.map((b) => createHash("sha256").update(b).digest())));

export async function begin({ s3, Bucket }: ProbeStore): Promise<Begun> {
  const Key = fresh();
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: "SHA256", ChecksumType: "COMPOSITE", ...compliance, ObjectLockLegalHoldStatus: "ON" }),
  );
  const Parts = await Promise.all(
    bodies.map(async (Body, i) => {
      const answer = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ChecksumSHA256: sha(Body) }));
      return { PartNumber: i + 1, ETag: answer.ETag, ChecksumSHA256: answer.ChecksumSHA256 };
    }),
  );
  return { Bucket, Key, UploadId, Parts };
}
export const complete = ({ s3 }: ProbeStore, { Bucket, Key, UploadId, Parts }: Begun, more: object = {}): Promise<string> =>
  verdict(s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more })));

export const lockSeen = async ({ s3 }: ProbeStore, at: { Bucket: string; Key: string; VersionId: string | undefined }): Promise<string> => {
  const head = await s3.send(new HeadObjectCommand(at));
  return [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.getTime() === until.getTime(), head.ObjectLockLegalHoldStatus].join(" ");
};
