import { type Answer, bucketOf, type Call, wholeNumber } from "./s3-fake-call.ts";
import { invalidArgument } from "./s3-fake-error.ts";
import type { FakeVersion } from "./s3-fake-state.ts";
import { type XmlValue, xmlDocument } from "./s3-fake-xml.ts";

/** Byte order of UTF-8, as S3 lists. */
const byKey = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function encoder(call: Call): (key: string) => string {
  const type = call.query("encoding-type");
  if (type === null) return (key) => key;
  if (type !== "url") throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", type);
  return (key) => encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+");
}

export function listObjectVersions(call: Call): Answer {
  const bucket = bucketOf(call);
  const prefix = call.query("prefix") ?? "";
  const keyMarker = call.query("key-marker") ?? "";
  const idMarker = call.query("version-id-marker");
  const most = wholeNumber(call, "max-keys", 1000, 1000);
  const encode = encoder(call);
  const all: { readonly version: FakeVersion; readonly latest: boolean }[] = [];
  for (const key of [...bucket.keys.keys()].sort(byKey)) {
    if (!key.startsWith(prefix)) continue;
    let past = keyMarker === "" || byKey(key, keyMarker) > 0;
    for (const [index, version] of (bucket.keys.get(key) ?? []).entries()) {
      if (past) all.push({ version, latest: index === 0 });
      else if (key === keyMarker && version.id === idMarker) past = true;
    }
  }
  const page = all.slice(0, most);
  const last = page.at(-1)?.version;
  const truncated = all.length > page.length;
  return {
    status: 200,
    headers: {},
    body: xmlDocument("ListVersionsResult", [
      ["Name", bucket.name],
      ["Prefix", encode(prefix)],
      ["KeyMarker", encode(keyMarker)],
      ["VersionIdMarker", idMarker ?? ""],
      ["NextKeyMarker", truncated ? encode(last?.key ?? "") : null],
      ["NextVersionIdMarker", truncated ? (last?.id ?? "") : null],
      ["MaxKeys", most],
      ["EncodingType", call.query("encoding-type")],
      ["IsTruncated", truncated],
      ...page.map(({ version, latest }): readonly [string, XmlValue] => {
        const common: readonly (readonly [string, XmlValue])[] = [
          ["Key", encode(version.key)],
          ["VersionId", version.id],
          ["IsLatest", latest],
          ["LastModified", version.modified],
        ];
        const owner = ["Owner", [["ID", call.state.owner]]] as const;
        if (version.marker) return ["DeleteMarker", [...common, owner]];
        return ["Version", [...common, ...contents(version), owner]];
      }),
    ]),
  };
}

function contents(version: FakeVersion): readonly (readonly [string, XmlValue])[] {
  return [
    ["ETag", `"${version.etag}"`],
    ["ChecksumAlgorithm", version.checksum?.algorithm ?? null],
    ["ChecksumType", version.checksum?.type ?? null],
    ["Size", version.size],
    ["StorageClass", "STANDARD"],
  ];
}

export function listObjectsV2(call: Call): Answer {
  const bucket = bucketOf(call);
  if (call.query("list-type") !== "2") throw invalidArgument("Invalid List Type", "list-type", call.query("list-type") ?? "");
  const prefix = call.query("prefix") ?? "";
  const token = call.query("continuation-token");
  const after = token === null ? (call.query("start-after") ?? "") : Buffer.from(token, "base64url").toString("utf8");
  const most = wholeNumber(call, "max-keys", 1000, 1000);
  const encode = encoder(call);
  const delimiter = call.query("delimiter");
  const standing = [...bucket.keys.values()]
    .flatMap((versions) => versions[0] ?? [])
    .filter((v) => !v.marker && v.key.startsWith(prefix) && (after === "" || byKey(v.key, after) > 0))
    .sort((a, b) => byKey(a.key, b.key));
  const all = delimiter === null ? standing.map((v) => ({ key: v.key, version: v })) : folded(standing, prefix, delimiter, after);
  const page = all.slice(0, most);
  const truncated = all.length > page.length;
  return {
    status: 200,
    headers: {},
    body: xmlDocument("ListBucketResult", [
      ["Name", bucket.name],
      ["Prefix", encode(prefix)],
      ["Delimiter", delimiter === null ? null : encode(delimiter)],
      ["MaxKeys", most],
      ["KeyCount", page.length],
      ["EncodingType", call.query("encoding-type")],
      ["IsTruncated", truncated],
      ["ContinuationToken", token],
      ["NextContinuationToken", truncated ? Buffer.from(page.at(-1)?.key ?? "").toString("base64url") : null],
      ...page.map(({ key, version }): readonly [string, XmlValue] =>
        version === null
          ? ["CommonPrefixes", [["Prefix", encode(key)]]]
          : ["Contents", [["Key", encode(key)], ["LastModified", version.modified], ...contents(version)]],
      ),
    ]),
  };
}

type Listed = { readonly key: string; readonly version: FakeVersion | null };

/** Keys that go on behind a delimiter are one common prefix, which counts as one (API reference, ListObjectsV2). */
function folded(standing: readonly FakeVersion[], prefix: string, delimiter: string, after: string): readonly Listed[] {
  const all = new Map<string, Listed>();
  for (const version of standing) {
    const at = version.key.indexOf(delimiter, prefix.length);
    const key = at === -1 ? version.key : version.key.slice(0, at + delimiter.length);
    if (at === -1 || key !== after) all.set(key, { key, version: at === -1 ? version : null });
  }
  return [...all.values()];
}

export function listMultipartUploads(call: Call): Answer {
  const bucket = bucketOf(call);
  const prefix = call.query("prefix") ?? "";
  const keyMarker = call.query("key-marker") ?? "";
  const idMarker = call.query("upload-id-marker") ?? "";
  const most = wholeNumber(call, "max-uploads", 1000, 1000);
  const encode = encoder(call);
  const all = [...bucket.uploads.values()]
    .filter((u) => u.key.startsWith(prefix))
    .sort((a, b) => byKey(a.key, b.key) || byKey(a.id, b.id))
    .filter((u) => keyMarker === "" || byKey(u.key, keyMarker) > 0 || (u.key === keyMarker && idMarker !== "" && byKey(u.id, idMarker) > 0));
  const page = all.slice(0, most);
  const truncated = all.length > page.length;
  const owner = [
    ["ID", call.state.owner],
    ["DisplayName", "fake"],
  ] as const;
  return {
    status: 200,
    headers: {},
    body: xmlDocument("ListMultipartUploadsResult", [
      ["Bucket", bucket.name],
      ["KeyMarker", encode(keyMarker)],
      ["UploadIdMarker", idMarker],
      ["NextKeyMarker", truncated ? encode(page.at(-1)?.key ?? "") : null],
      ["NextUploadIdMarker", truncated ? (page.at(-1)?.id ?? "") : null],
      ["Prefix", encode(prefix)],
      ["EncodingType", call.query("encoding-type")],
      ["MaxUploads", most],
      ["IsTruncated", truncated],
      ...page.map(
        (u) =>
          [
            "Upload",
            [
              ["Key", encode(u.key)],
              ["UploadId", u.id],
              ["Initiator", owner],
              ["Owner", owner],
              ["StorageClass", "STANDARD"],
              ["Initiated", u.started],
              ["ChecksumAlgorithm", u.algorithm],
            ],
          ] satisfies readonly [string, XmlValue],
      ),
    ]),
  };
}
