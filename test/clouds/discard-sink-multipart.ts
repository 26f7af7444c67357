import { createHash } from "node:crypto";
import {
  etagOf,
  keptOf,
  ok,
  refuse,
  type Sink,
  type SinkAnswer,
  type SinkObject,
  type SinkPart,
  type SinkRequest,
  type Sum,
  sizeOf,
  sumHeader,
  sumOf,
} from "./discard-sink-state.ts";
import type { Recognized } from "./s3-fake-operations.ts";
import { newId } from "./s3-fake-state.ts";
import { childText, parseXml, type XmlValue, xmlDocument } from "./s3-fake-xml.ts";

export function create(sink: Sink, path: string, known: Recognized, request: SinkRequest): SinkAnswer {
  const id = newId();
  const algorithm = request.header("x-amz-checksum-algorithm");
  sink.uploads.set(id, { path, kept: keptOf(request), algorithm, parts: new Map() });
  return ok(
    xmlDocument("InitiateMultipartUploadResult", [
      ["Bucket", known.bucket],
      ["Key", known.key],
      ["UploadId", id],
    ]),
    algorithm === null
      ? {}
      : {
          "x-amz-checksum-algorithm": algorithm,
          "x-amz-checksum-type": request.header("x-amz-checksum-type") ?? "COMPOSITE",
        },
  );
}

export function multipart(sink: Sink, path: string, { operation, bucket, key }: Recognized, request: SinkRequest): SinkAnswer {
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
  const sum = composite(
    upload.algorithm?.toLowerCase() ?? null,
    taken.flatMap((p) => p ?? []),
  );
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
  const fields: (readonly [string, XmlValue])[] = [
    ["Bucket", bucket],
    ["Key", key],
    ["ETag", `"${object.etag}"`],
  ];
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
    ["Bucket", bucket],
    ["Key", key],
    ["UploadId", id],
    ["MaxParts", 1000],
    ["IsTruncated", rest.length > page.length],
    ["NextPartNumberMarker", page.at(-1)?.number ?? 0],
    ...page.map(
      (p) =>
        [
          "Part",
          [
            ["PartNumber", p.number],
            ["ETag", `"${p.etag}"`],
            ["Size", p.size],
            [`Checksum${p.sum?.name.toUpperCase() ?? "SHA256"}`, p.sum?.value ?? null],
          ],
        ] satisfies readonly [string, XmlValue],
    ),
  ]);
}
