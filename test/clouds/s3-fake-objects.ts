import { type Answer, bucketOf, type Call, versionHeader, versionOf } from "./s3-fake-call.ts";
import { invalidArgument, invalidRequest, S3Error, Violation } from "./s3-fake-error.ts";
import { lockOfHeaders, mayDelete } from "./s3-fake-lock.ts";
import { addVersion, currentVersion, type FakeBucket, type FakeChecksum, type FakeVersion, removeVersion } from "./s3-fake-state.ts";

const carried = ["content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires"];
const carriedAmz = ["x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"];

/** Headers of a write that come back on GET and HEAD. `aws-chunked` is transport and is not stored. */
export function storedHeaders(call: Call): Record<string, string> {
  const kept: Record<string, string> = { "x-amz-server-side-encryption": "AES256" };
  let metadata = 0;
  for (const name of call.headerNames) {
    const value = call.header(name) ?? "";
    if (name.startsWith("x-amz-meta-")) metadata += Buffer.byteLength(name) - "x-amz-meta-".length + Buffer.byteLength(value);
    if (carried.includes(name) || carriedAmz.includes(name) || name.startsWith("x-amz-meta-")) kept[name] = value;
  }
  if (metadata > 2048) throw new S3Error(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  const encoding = kept["content-encoding"]
    ?.split(",")
    .map((e) => e.trim())
    .filter((e) => e !== "aws-chunked");
  if (encoding !== undefined && encoding.length > 0) kept["content-encoding"] = encoding.join(",");
  else delete kept["content-encoding"];
  return kept;
}

/** If-None-Match: * is the only condition S3 has on a write besides If-Match, which Holdfast never sends. */
export function checkCondition(call: Call, bucket: FakeBucket): void {
  if (call.header("if-match") !== null) throw new Violation("If-Match on a write");
  const condition = call.header("if-none-match");
  if (condition === null) return;
  if (condition !== "*")
    throw new S3Error(501, "NotImplemented", "A header you provided implies functionality that is not implemented", [["Header", "If-None-Match"]]);
  const current = currentVersion(bucket, call.key);
  if (current !== null && !current.marker)
    throw new S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", [["Condition", "If-None-Match"]]);
}

export function checkKey(call: Call): void {
  if (Buffer.byteLength(call.key) > 1024) throw new S3Error(400, "KeyTooLongError", "Your key is too long");
}

export function checksumHeader(checksum: FakeChecksum | null): Record<string, string> {
  if (checksum === null) return {};
  return { [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value, "x-amz-checksum-type": checksum.type };
}

export async function putObject(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  checkKey(call);
  const lock = lockOfHeaders(bucket, call.header, call.state.clock());
  const headers = storedHeaders(call);
  const body = await call.body(!call.state.discard);
  if ((lock.explicit || lock.retention !== null) && !body.proven)
    throw invalidRequest("Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters");
  checkCondition(call, bucket); // after the body: of several writers at once the first to finish wins
  const version = addVersion(bucket, {
    key: call.key,
    marker: false,
    modified: call.state.clock(),
    etag: body.md5,
    size: body.size,
    checksum: body.checksum,
    parts: null,
    data: body.chunks,
    headers,
    retention: lock.retention,
    hold: lock.hold,
  });
  return {
    status: 200,
    headers: { etag: `"${version.etag}"`, ...versionHeader(bucket, version), ...checksumHeader(version.checksum), ...encryption(version) },
    body: null,
  };
}

export function encryption(version: { readonly headers: Readonly<Record<string, string>> }): Record<string, string> {
  return Object.fromEntries(Object.entries(version.headers).filter(([name]) => name.startsWith("x-amz-server-side-encryption")));
}

export function headObject(call: Call): Answer {
  const bucket = bucketOf(call);
  const version = versionOf(call, bucket);
  const headers = describe(call, bucket, version);
  const number = call.query("partNumber");
  if (number === null) return { status: 200, headers: { ...headers, "content-length": String(version.size) }, body: null };
  const part = version.parts?.[Number(number) - 1];
  if (part === undefined) throw new S3Error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable", [["PartNumberRequested", number]]);
  return {
    status: 206,
    headers: { ...headers, "content-length": String(part.size), "x-amz-mp-parts-count": String(version.parts?.length ?? 0) },
    body: null,
  };
}

export function getObject(call: Call): Answer {
  const bucket = bucketOf(call);
  const version = versionOf(call, bucket);
  const headers = describe(call, bucket, version);
  const match = call.header("if-match");
  if (match !== null && match.replaceAll('"', "") !== version.etag)
    throw new S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", [["Condition", "If-Match"]]);
  if (version.data === null) throw new Violation("GetObject while the fake discards bodies");
  const range = call.header("range");
  if (range === null) return { status: 200, headers: { ...headers, "content-length": String(version.size) }, body: version.data };
  const { from, to } = parseRange(range, version.size);
  // A part of the bytes is not what the checksum is about.
  const partial = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("x-amz-checksum-")));
  return {
    status: 206,
    headers: { ...partial, "content-range": `bytes ${from}-${to}/${version.size}`, "content-length": String(to - from + 1) },
    body: slice(version.data, from, to + 1),
  };
}

function parseRange(text: string, size: number): { readonly from: number; readonly to: number } {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text);
  if (match === null || (match[1] === "" && match[2] === "")) throw new Violation(`Range: ${text}`);
  const suffix = match[1] === "";
  const from = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = suffix || match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (from >= size || to < from)
    throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable", [
      ["RangeRequested", text],
      ["ActualObjectSize", String(size)],
    ]);
  return { from, to };
}

function* slicePieces(data: readonly Buffer[], from: number, to: number): Generator<Buffer> {
  let at = 0;
  for (const piece of data) {
    const end = at + piece.length;
    if (end > from && at < to) yield piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at));
    at = end;
  }
}

function slice(data: readonly Buffer[], from: number, to: number): readonly Buffer[] {
  return [...slicePieces(data, from, to)];
}

function describe(call: Call, bucket: FakeBucket, version: FakeVersion): Record<string, string> {
  const mode = call.header("x-amz-checksum-mode");
  if (mode !== null && mode !== "ENABLED") throw invalidArgument("Invalid checksum mode", "x-amz-checksum-mode", mode);
  const { denied } = call.state;
  // A reader without the right sees no lock at all (facts/aws §7.7).
  const retention = denied.has("GetObjectRetention") ? null : version.retention;
  const hold = denied.has("GetObjectLegalHold") ? null : version.hold;
  return {
    "content-type": "binary/octet-stream",
    ...version.headers,
    "accept-ranges": "bytes",
    etag: `"${version.etag}"`,
    "last-modified": version.modified.toUTCString(),
    ...versionHeader(bucket, version),
    ...(mode === null ? {} : checksumHeader(version.checksum)),
    ...(retention === null ? {} : { "x-amz-object-lock-mode": retention.mode, "x-amz-object-lock-retain-until-date": retention.until.toISOString() }),
    ...(hold === null ? {} : { "x-amz-object-lock-legal-hold": hold ? "ON" : "OFF" }),
  };
}

export function deleteObject(call: Call): Answer {
  const bucket = bucketOf(call);
  const headers = deleteKey(call, bucket, call.key, call.query("versionId"));
  return { status: 204, headers, body: null };
}

/** Deletes one version, or puts a delete marker where no version is named (looks like success, keeps the data). */
export function deleteKey(call: Call, bucket: FakeBucket, key: string, id: string | null): Record<string, string> {
  const bypass = call.header("x-amz-bypass-governance-retention")?.toLowerCase() === "true" && !call.state.denied.has("BypassGovernanceRetention");
  if (id !== null) {
    const version = bucket.keys.get(key)?.find((v) => v.id === id);
    if (version === undefined) return { "x-amz-version-id": id };
    mayDelete(version, bypass, call.state.clock());
    removeVersion(bucket, version);
    return { "x-amz-version-id": id, ...(version.marker ? { "x-amz-delete-marker": "true" } : {}) };
  }
  if (bucket.versioning === "off") {
    const current = currentVersion(bucket, key);
    if (current !== null) removeVersion(bucket, current);
    return {};
  }
  const marker = addVersion(bucket, {
    key,
    marker: true,
    modified: call.state.clock(),
    etag: "",
    size: 0,
    checksum: null,
    parts: null,
    data: [],
    headers: {},
    retention: null,
    hold: null,
  });
  return { "x-amz-version-id": marker.id, "x-amz-delete-marker": "true" };
}
