import { create, multipart } from "./discard-sink-multipart.ts";
import { etagOf, keptOf, ok, refuse, type Sink, type SinkAnswer, type SinkObject, type SinkRequest, sizeOf, sumHeader, sumOf } from "./discard-sink-state.ts";
import type { Recognized } from "./s3-fake-operations.ts";
import { newId } from "./s3-fake-state.ts";
import { xmlDocument } from "./s3-fake-xml.ts";

/** What the discarding sink answers. Every bucket exists, with versions and Object Lock. */
export function sinkAnswer(sink: Sink, request: SinkRequest): SinkAnswer {
  const { known, url } = request;
  // Clients list in ways that the recognizer does not have; there is nothing to list.
  if (typeof known === "string")
    return request.method === "GET" && url.pathname.split("/").filter((s) => s !== "").length === 1
      ? ok(
          xmlDocument("ListBucketResult", [
            ["KeyCount", 0],
            ["IsTruncated", false],
          ]),
        )
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
      return ok(
        xmlDocument("ListBucketResult", [
          ["KeyCount", 0],
          ["IsTruncated", false],
        ]),
      );
    case "PutObject":
      return put(sink, path, request);
    case "CreateMultipartUpload":
      return create(sink, path, known, request);
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

function put(sink: Sink, path: string, request: SinkRequest): SinkAnswer {
  if (request.header("if-none-match") === "*" && sink.objects.has(path)) return refuse(412, "PreconditionFailed");
  const object: SinkObject = {
    version: newId(),
    size: sizeOf(request),
    etag: etagOf(request),
    sum: sumOf(request),
    composite: false,
    modified: new Date(),
    kept: keptOf(request),
  };
  sink.objects.set(path, object);
  return ok("", { etag: `"${object.etag}"`, "x-amz-version-id": object.version, ...sumHeader(object.sum) });
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
    return mode === undefined || until === undefined
      ? refuse(404, "NoSuchObjectLockConfiguration")
      : ok(
          xmlDocument("Retention", [
            ["Mode", mode],
            ["RetainUntilDate", until],
          ]),
        );
  if (operation === "GetObjectLegalHold")
    return hold === undefined ? refuse(404, "NoSuchObjectLockConfiguration") : ok(xmlDocument("LegalHold", [["Status", hold]]));
  return ok("", {
    ...object.kept,
    etag: `"${object.etag}"`,
    "content-length": String(object.size),
    "last-modified": object.modified.toUTCString(),
    "accept-ranges": "bytes",
    "x-amz-version-id": object.version,
    ...(request.header("x-amz-checksum-mode") === null
      ? {}
      : { ...sumHeader(object.sum), ...(object.sum === null ? {} : { "x-amz-checksum-type": object.composite ? "COMPOSITE" : "FULL_OBJECT" }) }),
  });
}
