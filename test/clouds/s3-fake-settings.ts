import { type Answer, bucketOf, type Call } from "./s3-fake-call.ts";
import { S3Error } from "./s3-fake-error.ts";
import { xmlDocument } from "./s3-fake-xml.ts";

/** Settings of a bucket that are only read here; a test writes the documents into the state (`bucket.settings`), as S3 would give them back. */
export function getBucketPolicy(call: Call): Answer {
  const { name, settings } = bucketOf(call);
  const policy = settings.get("policy");
  if (policy === undefined) throw new S3Error(404, "NoSuchBucketPolicy", "The bucket policy does not exist", [["BucketName", name]]);
  return { status: 200, headers: { "content-type": "application/json" }, body: policy };
}

export function getBucketLifecycleConfiguration(call: Call): Answer {
  const { name, settings } = bucketOf(call);
  const lifecycle = settings.get("lifecycle");
  if (lifecycle === undefined) throw new S3Error(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", [["BucketName", name]]);
  return { status: 200, headers: {}, body: lifecycle };
}

/** A bucket that logs nowhere says so with an empty status. */
export function getBucketLogging(call: Call): Answer {
  return { status: 200, headers: {}, body: bucketOf(call).settings.get("logging") ?? xmlDocument("BucketLoggingStatus", []) };
}
