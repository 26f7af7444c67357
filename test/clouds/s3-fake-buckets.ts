import { type Answer, bucketOf, type Call, onlyChildren, xmlBody } from "./s3-fake-call.ts";
import { malformedXml, S3Error } from "./s3-fake-error.ts";
import { deleteKey } from "./s3-fake-objects.ts";
import { type DefaultRetention, newBucket } from "./s3-fake-state.ts";
import { childText, type XmlValue, xmlDocument } from "./s3-fake-xml.ts";

const done = (body: string | null = null, status = 200): Answer => ({ status, headers: {}, body });

export function listBuckets(call: Call): Answer {
  const buckets = [...call.state.buckets.values()].map(
    (b) =>
      [
        "Bucket",
        [
          ["Name", b.name],
          ["CreationDate", b.created],
        ],
      ] as const,
  );
  return done(
    xmlDocument("ListAllMyBucketsResult", [
      ["Owner", [["ID", call.state.owner]]],
      ["Buckets", buckets],
    ]),
  );
}

export async function createBucket(call: Call): Promise<Answer> {
  await call.body(false);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(call.bucketName))
    throw new S3Error(400, "InvalidBucketName", "The specified bucket is not valid.", [["BucketName", call.bucketName]]);
  if (call.state.buckets.has(call.bucketName))
    throw new S3Error(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", [
      ["BucketName", call.bucketName],
    ]);
  newBucket(call.state, call.bucketName, call.header("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true", false);
  return { status: 200, headers: { location: `/${call.bucketName}` }, body: null };
}

export function deleteBucket(call: Call): Answer {
  const bucket = bucketOf(call);
  if (bucket.keys.size > 0)
    throw new S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.", [
      ["BucketName", bucket.name],
    ]);
  call.state.buckets.delete(bucket.name);
  return done(null, 204);
}

export function headBucket(call: Call): Answer {
  return { status: 200, headers: { "x-amz-bucket-region": bucketOf(call).region ?? "us-east-1" }, body: null };
}

export function getBucketLocation(call: Call): Answer {
  return done(xmlDocument("LocationConstraint", bucketOf(call).region ?? ""));
}

export function getBucketVersioning(call: Call): Answer {
  const { versioning } = bucketOf(call);
  return done(xmlDocument("VersioningConfiguration", [["Status", versioning === "off" ? null : versioning]]));
}

export async function putBucketVersioning(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const root = await xmlBody(call, "VersioningConfiguration");
  onlyChildren(root, ["Status"]);
  const status = childText(root, "Status");
  if (status !== "Enabled" && status !== "Suspended") throw malformedXml();
  if (status === "Suspended" && bucket.objectLock)
    throw new S3Error(409, "InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.");
  bucket.versioning = status;
  return done();
}

export function getObjectLockConfiguration(call: Call): Answer {
  const bucket = bucketOf(call);
  if (!bucket.objectLock)
    throw new S3Error(404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", [["BucketName", bucket.name]]);
  const { rule } = bucket;
  const retention: XmlValue =
    rule === null
      ? null
      : [
          [
            "DefaultRetention",
            [
              ["Mode", rule.mode],
              ["Days", rule.days],
              ["Years", rule.years],
            ],
          ],
        ];
  return done(
    xmlDocument("ObjectLockConfiguration", [
      ["ObjectLockEnabled", "Enabled"],
      ["Rule", retention],
    ]),
  );
}

export async function putObjectLockConfiguration(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const root = await xmlBody(call, "ObjectLockConfiguration");
  onlyChildren(root, ["ObjectLockEnabled", "Rule"]);
  if (childText(root, "ObjectLockEnabled") !== "Enabled") throw malformedXml();
  if (bucket.versioning !== "Enabled")
    throw new S3Error(409, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
  const retention = root.children.find((c) => c.name === "Rule")?.children.find((c) => c.name === "DefaultRetention");
  let rule: DefaultRetention | null = null;
  if (retention !== undefined) {
    onlyChildren(retention, ["Mode", "Days", "Years"]);
    const mode = childText(retention, "Mode");
    const days = childText(retention, "Days");
    const years = childText(retention, "Years");
    if ((mode !== "COMPLIANCE" && mode !== "GOVERNANCE") || (days === null) === (years === null)) throw malformedXml();
    rule = { mode, days: days === null ? null : Number(days), years: years === null ? null : Number(years) };
  }
  bucket.objectLock = true;
  bucket.rule = rule;
  return done();
}

/** 200 with an error for each key that was refused. */
export async function deleteObjects(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const root = await xmlBody(call, "Delete");
  onlyChildren(root, ["Object", "Quiet"]);
  const results = root.children
    .filter((c) => c.name === "Object")
    .map((object) => {
      onlyChildren(object, ["Key", "VersionId"]);
      const key = childText(object, "Key") ?? "";
      const id = childText(object, "VersionId");
      try {
        const headers = deleteKey(call, bucket, key, id);
        const marker = id === null && headers["x-amz-delete-marker"] === "true";
        return [
          "Deleted",
          [
            ["Key", key],
            ["VersionId", id],
            ["DeleteMarker", marker ? true : null],
            ["DeleteMarkerVersionId", marker ? (headers["x-amz-version-id"] ?? null) : null],
          ],
        ] as const;
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
        return [
          "Error",
          [
            ["Key", key],
            ["VersionId", id],
            ["Code", error.code],
            ["Message", error.message],
          ],
        ] as const;
      }
    });
  const quiet = childText(root, "Quiet") === "true";
  return done(
    xmlDocument(
      "DeleteResult",
      results.filter(([name]) => !quiet || name === "Error"),
    ),
  );
}
