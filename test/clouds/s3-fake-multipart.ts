import { createHash } from "node:crypto";
import { newSummer } from "./s3-fake-body.ts";
import { type Answer, bucketOf, type Call, onlyChildren, versionHeader, wholeNumber, xmlBody } from "./s3-fake-call.ts";
import { invalidArgument, invalidRequest, malformedXml, noSuchUpload, S3Error, Violation } from "./s3-fake-error.ts";
import { defaultRetention, lockOfHeaders } from "./s3-fake-lock.ts";
import { checkCondition, checkKey, encryption, storedHeaders } from "./s3-fake-objects.ts";
import { addVersion, type ChecksumName, type FakeBucket, type FakeChecksum, type FakePart, type FakeUpload, newId } from "./s3-fake-state.ts";
import { childText, type XmlNode, type XmlValue, xmlDocument } from "./s3-fake-xml.ts";

export function createMultipartUpload(call: Call): Answer {
  const bucket = bucketOf(call);
  checkKey(call);
  const lock = lockOfHeaders(bucket, call.header, call.state.clock());
  const algorithm = parseAlgorithm(call.header("x-amz-checksum-algorithm"));
  const type = call.header("x-amz-checksum-type");
  if (type !== null && algorithm === null) throw invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  if (type === "FULL_OBJECT" && algorithm !== "CRC32")
    throw invalidRequest(`The FULL_OBJECT checksum type cannot be used with the ${algorithm?.toLowerCase()} checksum algorithm.`);
  if (type === "FULL_OBJECT") throw new Violation("FULL_OBJECT sums of a multipart upload");
  if (type !== null && type !== "COMPOSITE") throw invalidRequest("Value for x-amz-checksum-type header is invalid.");
  const upload: FakeUpload = {
    id: newId(),
    key: call.key,
    started: call.state.clock(),
    algorithm,
    headers: storedHeaders(call),
    // The bucket's default runs from completion; what the request names is fixed now.
    retention: call.header("x-amz-object-lock-mode") === null ? null : lock.retention,
    hold: lock.hold,
    parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  return {
    status: 200,
    headers: {
      ...encryption(upload),
      ...(algorithm === null ? {} : { "x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "COMPOSITE" }),
    },
    body: xmlDocument("InitiateMultipartUploadResult", [
      ["Bucket", bucket.name],
      ["Key", call.key],
      ["UploadId", upload.id],
    ]),
  };
}

function parseAlgorithm(text: string | null): ChecksumName | null {
  if (text === null || text === "SHA256" || text === "SHA1" || text === "CRC32") return text;
  if (["CRC32C", "CRC64NVME"].includes(text)) throw new Violation(`x-amz-checksum-algorithm: ${text}`);
  throw invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

function uploadOf(call: Call, bucket: FakeBucket): FakeUpload {
  const id = call.query("uploadId") ?? "";
  const upload = bucket.uploads.get(id);
  if (upload === undefined || upload.key !== call.key) throw noSuchUpload(id);
  return upload;
}

export async function uploadPart(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const upload = uploadOf(call, bucket);
  const number = Number(call.query("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", call.query("partNumber") ?? "");
  const body = await call.body(!call.state.discard);
  const locked = upload.retention !== null || upload.hold !== null || defaultRetention(bucket, call.state.clock()) !== null;
  if (locked && !body.proven) throw invalidRequest("Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters");
  const got = body.checksum?.algorithm ?? null;
  if (upload.algorithm !== null && got !== upload.algorithm)
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${got?.toLowerCase() ?? "null"}`,
    );
  if (!bucket.uploads.has(upload.id)) throw noSuchUpload(upload.id); // aborted or completed while the body came
  const part: FakePart = {
    number,
    size: body.size,
    etag: body.md5,
    checksum: body.checksum,
    data: body.chunks === null ? null : Buffer.concat(body.chunks),
    modified: call.state.clock(),
  };
  upload.parts.set(number, part);
  const sum: Record<string, string> = part.checksum === null ? {} : { [`x-amz-checksum-${part.checksum.algorithm.toLowerCase()}`]: part.checksum.value };
  return { status: 200, headers: { etag: `"${part.etag}"`, ...sum, ...encryption(upload) }, body: null };
}

export function listParts(call: Call): Answer {
  const bucket = bucketOf(call);
  const upload = uploadOf(call, bucket);
  const most = wholeNumber(call, "max-parts", 1000, 1000);
  const after = wholeNumber(call, "part-number-marker", 0, 10_000);
  const all = [...upload.parts.values()].sort((a, b) => a.number - b.number).filter((p) => p.number > after);
  const page = all.slice(0, most);
  const owner: XmlValue = [
    ["ID", call.state.owner],
    ["DisplayName", "fake"],
  ];
  return {
    status: 200,
    headers: {},
    body: xmlDocument("ListPartsResult", [
      ["Bucket", bucket.name],
      ["Key", upload.key],
      ["UploadId", upload.id],
      ["Initiator", owner],
      ["Owner", owner],
      ["StorageClass", "STANDARD"],
      ["PartNumberMarker", after],
      ["NextPartNumberMarker", page.at(-1)?.number ?? 0],
      ["MaxParts", most],
      ["IsTruncated", all.length > page.length],
      ["ChecksumAlgorithm", upload.algorithm],
      ["ChecksumType", upload.algorithm === null ? null : "COMPOSITE"],
      ...page.map(
        (p) =>
          [
            "Part",
            [
              ["PartNumber", p.number],
              ["LastModified", p.modified],
              ["ETag", `"${p.etag}"`],
              ["Size", p.size],
              [`Checksum${p.checksum?.algorithm ?? "SHA256"}`, p.checksum?.value ?? null],
            ],
          ] satisfies readonly [string, XmlValue],
      ),
    ]),
  };
}

export function abortMultipartUpload(call: Call): Answer {
  const bucket = bucketOf(call);
  bucket.uploads.delete(uploadOf(call, bucket).id);
  return { status: 204, headers: {}, body: null };
}

export async function completeMultipartUpload(call: Call): Promise<Answer> {
  const bucket = bucketOf(call);
  const root = await xmlBody(call, "CompleteMultipartUpload");
  // S3 weighs the condition first: a repeated Complete after a lost answer hears 412, not 404.
  checkCondition(call, bucket);
  const upload = uploadOf(call, bucket);
  onlyChildren(root, ["Part"]);
  if (root.children.length === 0) throw malformedXml();
  const parts = root.children.map((node, index) => askedPart(node, upload, root.children[index - 1]));
  const small = parts.slice(0, -1).find((p) => p.size < call.state.minPartSize);
  if (small !== undefined)
    throw new S3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", [
      ["ProposedSize", String(small.size)],
      ["MinSizeAllowed", String(call.state.minPartSize)],
      ["PartNumber", String(small.number)],
    ]);
  const size = parts.reduce((sum, p) => sum + p.size, 0);
  const saidSize = call.header("x-amz-mp-object-size");
  if (saidSize !== null && Number(saidSize) !== size)
    throw invalidRequest(`The provided 'x-amz-mp-object-size' header does not match what was computed: ${size}`);
  const checksum = composite(upload, parts);
  checkWhole(call, checksum);
  const md5 = createHash("md5");
  for (const part of parts) md5.update(Buffer.from(part.etag, "hex"));
  bucket.uploads.delete(upload.id);
  const version = addVersion(bucket, {
    key: upload.key,
    marker: false,
    modified: call.state.clock(),
    etag: `${md5.digest("hex")}-${parts.length}`,
    size,
    checksum,
    parts,
    data: call.state.discard ? null : parts.flatMap((p) => p.data ?? []),
    headers: upload.headers,
    retention: upload.retention ?? defaultRetention(bucket, call.state.clock()),
    hold: upload.hold,
  });
  return {
    status: 200,
    headers: { ...versionHeader(bucket, version), ...encryption(upload) },
    body: xmlDocument("CompleteMultipartUploadResult", [
      ["Location", `http://${bucket.name}.s3.amazonaws.com/${upload.key}`],
      ["Bucket", bucket.name],
      ["Key", upload.key],
      ["ETag", `"${version.etag}"`],
      [`Checksum${checksum?.algorithm ?? "SHA256"}`, checksum?.value ?? null],
      ["ChecksumType", checksum?.type ?? null],
    ]),
  };
}

function askedPart(node: XmlNode, upload: FakeUpload, before: XmlNode | undefined): FakePart {
  if (node.name !== "Part") throw malformedXml();
  onlyChildren(node, ["PartNumber", "ETag", "ChecksumSHA256", "ChecksumSHA1", "ChecksumCRC32"]);
  const number = Number(childText(node, "PartNumber"));
  if (before !== undefined && Number(childText(before, "PartNumber")) >= number)
    throw new S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.");
  const part = upload.parts.get(number);
  const etag = childText(node, "ETag")?.replaceAll('"', "");
  const bad = (): S3Error =>
    new S3Error(
      400,
      "InvalidPart",
      "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      [
        ["UploadId", upload.id],
        ["PartNumber", String(number)],
        ["ETag", etag ?? ""],
      ],
    );
  if (part === undefined || etag !== part.etag) throw bad();
  const sums = node.children.filter((c) => c.name.startsWith("Checksum"));
  if (upload.algorithm !== null && sums.length === 0)
    throw invalidRequest(
      `The upload was created using a ${upload.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
    );
  for (const sum of sums) if (sum.name !== `Checksum${part.checksum?.algorithm ?? ""}` || sum.text !== part.checksum?.value) throw bad();
  return part;
}

/** Without declared algorithm S3 keeps no sum of the whole. */
function composite(upload: FakeUpload, parts: readonly FakePart[]): FakeChecksum | null {
  if (upload.algorithm === null) return null;
  const summer = newSummer(upload.algorithm);
  for (const part of parts) summer.update(Buffer.from(part.checksum?.value ?? "", "base64"));
  return { algorithm: upload.algorithm, type: "COMPOSITE", value: `${summer.base64()}-${parts.length}` };
}

function checkWhole(call: Call, actual: FakeChecksum | null): void {
  const type = call.header("x-amz-checksum-type");
  if (type !== null && type !== (actual?.type ?? "FULL_OBJECT"))
    throw invalidRequest(
      `The upload was created using the ${actual?.type ?? "FULL_OBJECT"} checksum mode. The complete request must use the same checksum mode.`,
    );
  for (const name of call.headerNames) {
    const match = /^x-amz-checksum-(sha256|sha1|crc32)$/.exec(name);
    if (match === null) continue;
    const said = call.header(name) ?? "";
    const mine = actual !== null && actual.algorithm.toLowerCase() === match[1] ? actual.value : null;
    // S3 takes the composite with and without its number of parts.
    if (mine === null || (said !== mine && said !== mine.replace(/-\d+$/, "")))
      throw new S3Error(400, "BadDigest", `The ${match[1]} you specified did not match the calculated checksum.`);
  }
}
