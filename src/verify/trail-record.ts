import { entryOf } from "../core/shape.ts";
import type { CallKind, LoggedCall } from "../core/reconcile-report.ts";

const kinds: Readonly<Record<string, CallKind>> = {
  GetObject: "read",
  GetObjectTorrent: "read",
  SelectObjectContent: "read",
  HeadObject: "look",
  GetObjectAcl: "look",
  GetObjectAttributes: "look",
  GetObjectLegalHold: "look",
  GetObjectRetention: "look",
  GetObjectTagging: "look",
  ListParts: "look",
  PutObjectLegalHold: "lock",
  PutObjectRetention: "lock",
  DeleteObject: "delete",
  DeleteObjects: "delete",
  AbortMultipartUpload: "delete",
};

/** One record of a CloudTrail file. Null for what is no call on an object of S3; `unreadable` where it is no event at all. */
export function parseTrailRecord(value: unknown, log: string): LoggedCall | null | "unreadable" {
  const event = mapOf(value);
  const source = event["eventSource"];
  const name = event["eventName"];
  if (typeof source !== "string" || typeof name !== "string") return "unreadable";
  if (source !== "s3.amazonaws.com") return null;
  const parameters = mapOf(event["requestParameters"]);
  const bucket = parameters["bucketName"];
  const key = parameters["key"];
  if (typeof bucket !== "string" || (typeof key !== "string" && name !== "DeleteObjects")) return null;
  const time = Date.parse(text(event["eventTime"]));
  if (Number.isNaN(time)) return "unreadable";
  const identity = mapOf(event["userIdentity"]);
  return {
    log,
    time,
    bucket,
    keys: typeof key === "string" ? [key] : [],
    operation: name,
    kind: entryOf(kinds, name) ?? "write",
    requestId: text(event["requestID"]),
    requester: text(identity["arn"] ?? identity["invokedBy"] ?? identity["principalId"]),
    address: text(event["sourceIPAddress"]),
    refused: typeof event["errorCode"] === "string" ? event["errorCode"] : null,
  };
}

function mapOf(value: unknown): { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "-";
}
