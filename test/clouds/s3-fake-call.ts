import type { IncomingMessage } from "node:http";
import { type Body, readBody } from "./s3-fake-body.ts";
import { malformedXml, noSuchKey, noSuchVersion, S3Error, Violation } from "./s3-fake-error.ts";
import type { OperationName } from "./s3-fake-operations.ts";
import { currentVersion, type FakeBucket, type FakeState, type FakeVersion } from "./s3-fake-state.ts";
import { parseXml, type XmlNode } from "./s3-fake-xml.ts";

/** One recognized request, and the one place where its body is read. */
export type Call = {
  readonly state: FakeState;
  readonly operation: OperationName;
  readonly bucketName: string;
  readonly key: string;
  readonly query: (name: string) => string | null;
  readonly header: (name: string) => string | null;
  readonly headerNames: readonly string[];
  readonly body: (keep: boolean) => Promise<Body>;
  /** The XML that the request carried, once it was read. */
  xml: string | null;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | readonly Buffer[] | null;
};

export function makeCall(state: FakeState, operation: OperationName, bucket: string, key: string, url: URL, message: IncomingMessage): Call {
  const header = (name: string): string | null => {
    const value = message.headers[name];
    return typeof value === "string" ? value : null;
  };
  // The sums of a Complete are about the object that it makes, not about its own XML.
  const bodyHeader = (name: string): string | null => (operation === "CompleteMultipartUpload" && name.startsWith("x-amz-checksum-") ? null : header(name));
  return {
    state,
    operation,
    bucketName: bucket,
    key,
    query: (name) => url.searchParams.get(name),
    header,
    headerNames: Object.keys(message.headers),
    body: (keep) => readBody(message, bodyHeader, keep),
    xml: null,
  };
}

export function bucketOf(call: Call): FakeBucket {
  const bucket = call.state.buckets.get(call.bucketName);
  if (bucket === undefined) throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist", [["BucketName", call.bucketName]]);
  return bucket;
}

/** The version that a request names, or the current one. A delete marker is what S3 makes of it: 404 or 405. */
export function versionOf(call: Call, bucket: FakeBucket): FakeVersion {
  const id = call.query("versionId");
  if (id === null) {
    const version = currentVersion(bucket, call.key);
    if (version === null) throw noSuchKey(call.key);
    if (version.marker)
      throw new S3Error(404, "NoSuchKey", "The specified key does not exist.", [["Key", call.key]], {
        "x-amz-delete-marker": "true",
        "x-amz-version-id": version.id,
      });
    return version;
  }
  const version = bucket.keys.get(call.key)?.find((v) => v.id === id);
  if (version === undefined) throw noSuchVersion(call.key, id);
  if (version.marker)
    throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", [["Method", "GET"]], {
      "x-amz-delete-marker": "true",
      "x-amz-version-id": version.id,
    });
  return version;
}

export async function xmlBody(call: Call, root: string): Promise<XmlNode> {
  const body = await call.body(true);
  let node: XmlNode;
  call.xml = Buffer.concat(body.chunks ?? []).toString("utf8");
  try {
    node = parseXml(call.xml);
  } catch {
    throw malformedXml();
  }
  if (node.name !== root) throw malformedXml();
  return node;
}

/** S3 reads over unknown elements in places; a test should hear of them. */
export function onlyChildren(node: XmlNode, allowed: readonly string[]): void {
  for (const child of node.children) if (!allowed.includes(child.name)) throw new Violation(`<${child.name}> in <${node.name}>`);
}

export function versionHeader(bucket: FakeBucket, version: FakeVersion): Record<string, string> {
  return bucket.versioning === "off" ? {} : { "x-amz-version-id": version.id };
}

export function wholeNumber(call: Call, name: string, fallback: number, most: number): number {
  const text = call.query(name);
  if (text === null) return fallback;
  if (!/^\d+$/.test(text)) throw new S3Error(400, "InvalidArgument", `Provided ${name} not an integer or within integer range`);
  return Math.min(Number(text), most);
}
