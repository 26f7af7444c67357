import { type Answer, bucketOf, type Call, onlyChildren, versionOf, xmlBody } from "./s3-fake-call.ts";
import { invalidArgument, invalidRequest, malformedXml, S3Error, Violation } from "./s3-fake-error.ts";
import { mayRetain, parseMode, parseUntil } from "./s3-fake-lock.ts";
import type { FakeBucket, FakeRetention } from "./s3-fake-state.ts";
import { childText, xmlDocument } from "./s3-fake-xml.ts";

/** Retention and legal hold of one version. */
function lockedBucket(call: Call): FakeBucket {
  const bucket = bucketOf(call);
  if (!bucket.objectLock) throw invalidRequest("Bucket is missing Object Lock Configuration");
  return bucket;
}

const notLocked = (): S3Error => new S3Error(404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration");

export function getObjectRetention(call: Call): Answer {
  const { retention } = versionOf(call, lockedBucket(call));
  if (retention === null) throw notLocked();
  return {
    status: 200,
    headers: {},
    body: xmlDocument("Retention", [
      ["Mode", retention.mode],
      ["RetainUntilDate", retention.until],
    ]),
  };
}

export async function putObjectRetention(call: Call): Promise<Answer> {
  const bucket = lockedBucket(call);
  const root = await xmlBody(call, "Retention");
  onlyChildren(root, ["Mode", "RetainUntilDate"]);
  if (!hasProof(call)) throw invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  const version = versionOf(call, bucket);
  const mode = childText(root, "Mode");
  const until = childText(root, "RetainUntilDate");
  let asked: FakeRetention | null = null;
  if (mode !== null && until !== null) asked = { mode: parseXmlMode(mode), until: parseUntil(until, call.state.clock(), true) };
  else if (mode !== null || until !== null) throw malformedXml();
  const bypass = call.header("x-amz-bypass-governance-retention")?.toLowerCase() === "true" && !call.state.denied.has("BypassGovernanceRetention");
  mayRetain(version, asked, bypass, call.state.clock());
  version.retention = asked;
  return { status: 200, headers: {}, body: null };
}

function parseXmlMode(text: string): FakeRetention["mode"] {
  if (text !== "COMPLIANCE" && text !== "GOVERNANCE") throw malformedXml();
  return parseMode(text);
}

function hasProof(call: Call): boolean {
  return call.headerNames.some((name) => name === "content-md5" || name.startsWith("x-amz-checksum-") || name === "x-amz-trailer");
}

export function getObjectLegalHold(call: Call): Answer {
  const { hold } = versionOf(call, lockedBucket(call));
  if (hold === null) throw notLocked();
  return { status: 200, headers: {}, body: xmlDocument("LegalHold", [["Status", hold ? "ON" : "OFF"]]) };
}

export async function putObjectLegalHold(call: Call): Promise<Answer> {
  const bucket = lockedBucket(call);
  const root = await xmlBody(call, "LegalHold");
  onlyChildren(root, ["Status"]);
  if (!hasProof(call)) throw invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
  const status = childText(root, "Status");
  if (status !== "ON" && status !== "OFF") throw malformedXml();
  versionOf(call, bucket).hold = status === "ON";
  return { status: 200, headers: {}, body: null };
}

/** Several attributes come in one header, joined by commas. */
export function getObjectAttributes(call: Call): Answer {
  const bucket = bucketOf(call);
  const version = versionOf(call, bucket);
  const asked = (call.header("x-amz-object-attributes") ?? "")
    .split(",")
    .map((a) => a.trim())
    .filter((a) => a !== "");
  if (asked.length === 0) throw invalidArgument("Object attributes must be provided", "x-amz-object-attributes", "");
  const unknown = asked.find((a) => !["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"].includes(a));
  if (unknown !== undefined) throw invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", unknown);
  const sum = version.checksum;
  const parts = version.parts;
  if (call.header("x-amz-max-parts") !== null || call.header("x-amz-part-number-marker") !== null) throw new Violation("paging of GetObjectAttributes");
  if (parts !== null && parts.length > 1000 && asked.includes("ObjectParts")) throw new Violation("GetObjectAttributes of more than 1000 parts");
  return {
    status: 200,
    headers: { "last-modified": version.modified.toUTCString(), "x-amz-version-id": version.id },
    body: xmlDocument("GetObjectAttributesResponse", [
      ["ETag", asked.includes("ETag") ? version.etag : null],
      [
        "Checksum",
        asked.includes("Checksum") && sum !== null
          ? [
              [`Checksum${sum.algorithm}`, sum.value.replace(/-\d+$/, "")],
              ["ChecksumType", sum.type],
            ]
          : null,
      ],
      [
        "ObjectParts",
        asked.includes("ObjectParts") && parts !== null
          ? [
              ["PartsCount", parts.length],
              ["PartNumberMarker", 0],
              ["NextPartNumberMarker", parts.at(-1)?.number ?? 0],
              ["MaxParts", 1000],
              ["IsTruncated", false],
              ...parts.map(
                (p) =>
                  [
                    "Part",
                    [
                      ["PartNumber", p.number],
                      ["Size", p.size],
                      [`Checksum${p.checksum?.algorithm ?? "SHA256"}`, p.checksum?.value ?? null],
                    ],
                  ] as const,
              ),
            ]
          : null,
      ],
      ["StorageClass", asked.includes("StorageClass") ? "STANDARD" : null],
      ["ObjectSize", asked.includes("ObjectSize") ? version.size : null],
    ]),
  };
}
