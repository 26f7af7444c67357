import { createHash } from "node:crypto";
import type { Recognized } from "./s3-fake-operations.ts";
import { newId } from "./s3-fake-state.ts";
import { childText, errorDocument, parseXml, type XmlValue, xmlDocument } from "./s3-fake-xml.ts";

/** What the discarding sink remembers and answers. Every bucket exists, with versions and Object Lock. */
export type SinkRequest = {
  readonly method: string;
  readonly url: URL;
  readonly known: Recognized | string;
  readonly headers: ReadonlyMap<string, string>;
  readonly header: (name: string) => string | null;
  readonly length: number;
  /** null where it was too long to be kept. */
  readonly body: Buffer | null;
};
export type SinkAnswer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };

type SinkPart = { readonly number: number; readonly size: number; readonly etag: string; readonly sum: Sum | null };
type Sum = { readonly name: string; readonly value: string };
type SinkObject = { readonly version: string; readonly size: number; readonly etag: string; readonly sum: Sum | null; readonly composite: boolean; readonly modified: Date; readonly kept: Kept };
/** Headers of the write that HEAD gives back. */
type Kept = Record<string, string>;
type SinkUpload = { readonly path: string; readonly kept: Kept; readonly algorithm: string | null; readonly parts: Map<number, SinkPart> };

export type Sink = { readonly objects: Map<string, SinkObject>; readonly uploads: Map<string, SinkUpload> };

export function newSink(): Sink {
  return { objects: new Map(), uploads: new Map() };
}

const ok = (body = "", headers: Readonly<Record<string, string>> = {}): SinkAnswer => ({ status: 200, headers, body });
const refuse = (status: number, code: string): SinkAnswer => ({ status, headers: {}, body: errorDocument([["Code", code], ["Message", code]]) });

export function sinkAnswer(sink: Sink, request: SinkRequest): SinkAnswer {
  const { known, url } = request;
  // Clients list in ways that the recognizer does not have; there is nothing to list.
  if (typeof known === "string")
    return request.method === "GET" && url.pathname.split("/").filter((s) => s !== "").length === 1
      ? ok(xmlDocument("ListBucketResult", [["KeyCount", 0], ["IsTruncated", false]]))
      : refuse(501, "NotImplemented");
  const path = `${known.bucket}/${known.key}`;
  switch (known.operation) {
    case "HeadBucket":
    case "CreateBucket":
      return ok();
    case "GetBucketLocation":
      return ok(xmlDocument("LocationConstraint", ""));
    case "GetBucketVersioning":
      return ok(xmlDocument("VersioningConfiguration", [["Status", "Enabled"]]));
    case "GetObjectLockConfiguration":
      return ok(xmlDocument("ObjectLockConfiguration", [["ObjectLockEnabled", "Enabled"]]));
    case "ListObjectsV2":
      return ok(xmlDocument("ListBucketResult", [["KeyCount", 0], ["IsTruncated", false]]));
    case "PutObject":
      return put(sink, path, request);
    case "CreateMultipartUpload": {
      const id = newId();
      const algorithm = request.header("x-amz-checksum-algorithm");
      sink.uploads.set(id, { path, kept: keptOf(request), algorithm, parts: new Map() });
      return ok(xmlDocument("InitiateMultipartUploadResult", [["Bucket", known.bucket], ["Key", known.key], ["UploadId", id]]), algorithm === null ? {} : {
        "x-amz-checksum-algorithm": algorithm,
        "x-amz-checksum-type": request.header("x-amz-checksum-type") ?? "COMPOSITE",
      });
    }
    case "UploadPart":
    case "ListParts":
    case "CompleteMultipartUpload":
    case "AbortMultipartUpload":
      return multipart(sink, path, known, request);
    case "HeadObject":
    case "GetObjectRetention":
    case "GetObjectLegalHold":
    case "DeleteObject":
      return look(sink, path, known, request);
    default:
      return refuse(501, "NotImplemented");
  }
}

function keptOf(request: SinkRequest): Kept {
  const kept: Kept = {};
  for (const [name, value] of request.headers)
    if (name === "content-type" || name.startsWith("x-amz-meta-") || name.startsWith("x-amz-object-lock-") || name.startsWith("x-amz-server-side-encryption")) kept[name] = value;
  return kept;
}

function sumOf(request: SinkRequest): Sum | null {
  for (const [name, value] of request.headers) {
    const match = /^x-amz-checksum-(sha256|sha1|crc32|crc32c|crc64nvme)$/.exec(name);
    if (match?.[1] !== undefined) return { name: match[1], value };
  }
  return null;
}

function sizeOf(request: SinkRequest): number {
  return Number(request.header("x-amz-decoded-content-length") ?? request.length);
}

function sumHeader(sum: Sum | null): Record<string, string> {
  return sum === null ? {} : { [`x-amz-checksum-${sum.name}`]: sum.value };
}

function etagOf(request: SinkRequest): string {
  const md5 = request.header("content-md5");
  if (md5 !== null) return Buffer.from(md5, "base64").toString("hex");
  if (request.body !== null && request.header("x-amz-decoded-content-length") === null) return createHash("md5").update(request.body).digest("hex");
  return `${newId().slice(0, 16)}-discarded`; // not shaped like an MD5, so that no client compares it with one
}

function put(sink: Sink, path: string, request: SinkRequest): SinkAnswer {
  if (request.header("if-none-match") === "*" && sink.objects.has(path)) return refuse(412, "PreconditionFailed");
  const object: SinkObject = {
    version: newId(), size: sizeOf(request), etag: etagOf(request), sum: sumOf(request), composite: false, modified: new Date(), kept: keptOf(request),
  };
  sink.objects.set(path, object);
  return ok("", { etag: `"${object.etag}"`, "x-amz-version-id": object.version, ...sumHeader(object.sum) });
}

function multipart(sink: Sink, path: string, { operation, bucket, key }: Recognized, request: SinkRequest): SinkAnswer {
  const id = request.url.searchParams.get("uploadId") ?? "";
  if (operation === "CompleteMultipartUpload" && request.header("if-none-match") === "*" && sink.objects.has(path)) return refuse(412, "PreconditionFailed");
  const upload = sink.uploads.get(id);
  if (upload === undefined || upload.path !== path) return refuse(404, "NoSuchUpload");
  if (operation === "UploadPart") {
    const number = Number(request.url.searchParams.get("partNumber"));
    const part: SinkPart = { number, size: sizeOf(request), etag: etagOf(request), sum: sumOf(request) };
    upload.parts.set(number, part);
    return ok("", { etag: `"${part.etag}"`, ...sumHeader(part.sum) });
  }
  if (operation === "AbortMultipartUpload") {
    sink.uploads.delete(id);
    return { status: 204, headers: {}, body: "" };
  }
  const parts = [...upload.parts.values()].sort((a, b) => a.number - b.number);
  if (operation === "ListParts") return ok(listed(parts, bucket, key, id, Number(request.url.searchParams.get("part-number-marker") ?? "0")));
  const asked = parseXml(request.body?.toString("utf8") ?? "").children.map((p) => Number(childText(p, "PartNumber")));
  const taken = asked.map((n) => upload.parts.get(n));
  if (taken.some((p) => p === undefined) || taken.length === 0) return refuse(400, "InvalidPart");
  const sum = composite(upload.algorithm?.toLowerCase() ?? null, taken.flatMap((p) => p ?? []));
  const object: SinkObject = {
    version: newId(),
    size: taken.reduce((total, p) => total + (p?.size ?? 0), 0),
    etag: `${createHash("md5").update(id).digest("hex")}-${taken.length}`,
    sum,
    composite: true,
    modified: new Date(),
    kept: upload.kept,
  };
  sink.objects.set(path, object);
  sink.uploads.delete(id);
  const fields: (readonly [string, XmlValue])[] = [["Bucket", bucket], ["Key", key], ["ETag", `"${object.etag}"`]];
  if (sum !== null) fields.push([`Checksum${sum.name.toUpperCase()}`, sum.value], ["ChecksumType", "COMPOSITE"]);
  return ok(xmlDocument("CompleteMultipartUploadResult", fields), { "x-amz-version-id": object.version });
}

/** Composites of SHA-256 and SHA-1; of CRCs nothing is said. */
function composite(algorithm: string | null, parts: readonly SinkPart[]): Sum | null {
  if (algorithm !== "sha256" && algorithm !== "sha1") return null;
  const hash = createHash(algorithm);
  for (const part of parts) {
    if (part.sum?.name !== algorithm) return null;
    hash.update(Buffer.from(part.sum.value, "base64"));
  }
  return { name: algorithm, value: `${hash.digest("base64")}-${parts.length}` };
}

function listed(parts: readonly SinkPart[], bucket: string, key: string, id: string, after: number): string {
  const rest = parts.filter((p) => p.number > after);
  const page = rest.slice(0, 1000);
  return xmlDocument("ListPartsResult", [
    ["Bucket", bucket], ["Key", key], ["UploadId", id], ["MaxParts", 1000], ["IsTruncated", rest.length > page.length],
    ["NextPartNumberMarker", page.at(-1)?.number ?? 0],
    ...page.map((p) => ["Part", [
      ["PartNumber", p.number], ["ETag", `"${p.etag}"`], ["Size", p.size], [`Checksum${p.sum?.name.toUpperCase() ?? "SHA256"}`, p.sum?.value ?? null],
    ]] satisfies readonly [string, XmlValue]),
  ]);
}

function look(sink: Sink, path: string, { operation }: Recognized, request: SinkRequest): SinkAnswer {
  const object = sink.objects.get(path);
  const asked = request.url.searchParams.get("versionId");
  if (object === undefined || (asked !== null && asked !== object.version)) return refuse(404, asked === null ? "NoSuchKey" : "NoSuchVersion");
  const mode = object.kept["x-amz-object-lock-mode"];
  const until = object.kept["x-amz-object-lock-retain-until-date"];
  const hold = object.kept["x-amz-object-lock-legal-hold"];
  if (operation === "DeleteObject") {
    if (mode !== undefined || hold === "ON") return refuse(403, "AccessDenied");
    sink.objects.delete(path);
    return { status: 204, headers: {}, body: "" };
  }
  if (operation === "GetObjectRetention")
    return mode === undefined || until === undefined ? refuse(404, "NoSuchObjectLockConfiguration") : ok(xmlDocument("Retention", [["Mode", mode], ["RetainUntilDate", until]]));
  if (operation === "GetObjectLegalHold")
    return hold === undefined ? refuse(404, "NoSuchObjectLockConfiguration") : ok(xmlDocument("LegalHold", [["Status", hold]]));
  return ok("", {
    ...object.kept,
    etag: `"${object.etag}"`,
    "content-length": String(object.size),
    "last-modified": object.modified.toUTCString(),
    "accept-ranges": "bytes",
    "x-amz-version-id": object.version,
    ...(request.header("x-amz-checksum-mode") === null ? {} : { ...sumHeader(object.sum), ...(object.sum === null ? {} : { "x-amz-checksum-type": object.composite ? "COMPOSITE" : "FULL_OBJECT" }) }),
  });
}
