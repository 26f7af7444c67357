import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import type { Aws } from "../aws.ts";
import type { Output } from "../client/link.ts";
import { lackLine, refusedLine } from "./lack-line.ts";
import type { Refused } from "../client/refused.ts";

export type ListedObject = {
  readonly bucket: string;
  readonly key: string;
  /** Null for the newest, which is asked for without it: a right less. */
  readonly older: string | null;
  readonly size: number;
  readonly etag: string;
  readonly modified: Date | null;
};

/** Something that is not to be had: an object that was deleted or, with key null, the rest of the listing. */
type ListedLack = { readonly lack: ManifestLine; readonly key: string | null };

export type Listing = {
  /** When it began, by S3's clock. */
  readonly asOf: Date;
  /** What stands there and, where versions are kept, what stood there. Ends after the first lack. */
  readonly found: AsyncIterable<ListedObject | ListedLack>;
};

type VersionsPage = Output<"s3:ListObjectVersions">;
type Page = { readonly found: readonly (ListedObject | ListedLack)[]; readonly next: Next | null; readonly cut: boolean };
type Next = { readonly key: string; readonly version: string | undefined };
type Asked = { readonly kind: "page"; readonly page: Page; readonly date: string | null } | { readonly kind: "refused"; readonly refused: Refused };

/**
 * Lists a prefix with all versions, so that what was deleted or overwritten in a bucket that keeps versions is found; without the
 * right to that, what stands there now.
 */
export async function listObjects(aws: Aws, bucket: string, prefix: string, signal: AbortSignal): Promise<Listing> {
  const path = `s3://${bucket}/${prefix}`;
  let ask = versions;
  let first = await ask(null);
  if (first.kind === "refused" && first.refused.trouble === "denied") {
    ask = plain;
    first = await ask(null);
  }
  const asOf = first.kind === "page" && first.date !== null ? new Date(first.date) : aws.clock();
  return { asOf: Number.isNaN(asOf.getTime()) ? aws.clock() : asOf, found: pages(first) };

  async function* pages(begin: Asked): AsyncGenerator<ListedObject | ListedLack> {
    let last: Next | null = null;
    for (let asked = begin; ; asked = await ask(last)) {
      if (asked.kind === "refused") return yield { lack: refusedLine(path, asked.refused), key: null };
      yield* asked.page.found;
      const { next, cut } = asked.page;
      if (!cut) return;
      if (next === null || (next.key === last?.key && next.version === last.version))
        return yield { lack: lackLine(path, "api:s3:List", "truncated", "the listing says that it goes on, and not where"), key: null };
      last = next;
    }
  }

  async function versions(from: Next | null): Promise<Asked> {
    const at = from === null ? {} : { KeyMarker: from.key, ...(from.version === undefined ? {} : { VersionIdMarker: from.version }) };
    const answer = await aws.link.ask("source", null, "s3:ListObjectVersions", { Bucket: bucket, Prefix: prefix, EncodingType: "url", ...at }, signal);
    if (answer.kind === "refused") return { kind: "refused", refused: answer };
    const { NextKeyMarker: key, NextVersionIdMarker: version, IsTruncated: cut } = answer.value;
    const next = key === undefined ? null : { key: decoded(key), version };
    return { kind: "page", page: { found: [...ofVersions(bucket, answer.value)], next, cut: cut === true }, date: answer.date };
  }

  async function plain(from: Next | null): Promise<Asked> {
    const at = from === null ? {} : { ContinuationToken: from.key };
    const answer = await aws.link.ask("source", null, "s3:ListObjectsV2", { Bucket: bucket, Prefix: prefix, EncodingType: "url", ...at }, signal);
    if (answer.kind === "refused") return { kind: "refused", refused: answer };
    const { Contents: contents = [], NextContinuationToken: token, IsTruncated: cut } = answer.value;
    const found = contents.map((one) => objectOf(bucket, one, null));
    return { kind: "page", page: { found, next: token === undefined ? null : { key: token, version: undefined }, cut: cut === true }, date: answer.date };
  }
}

function* ofVersions(bucket: string, { Versions: found = [], DeleteMarkers: markers = [] }: VersionsPage): Generator<ListedObject | ListedLack> {
  for (const one of found) yield objectOf(bucket, one, one.IsLatest === true ? null : (one.VersionId ?? null));
  for (const { Key: encoded = "", IsLatest: latest, LastModified: at } of markers) {
    if (latest !== true) continue;
    const key = decoded(encoded);
    const when = at === undefined ? "" : ` at ${at.toISOString()}`;
    const reason = `it was deleted${when}; the bucket keeps versions, those before it are taken`;
    yield { lack: lackLine(`s3://${bucket}/${key}`, "api:s3:ListObjectVersions", "unavailable", reason), key };
  }
}

type Shown = {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
};

function objectOf(
  bucket: string,
  { Key: key = "", Size: size = 0, ETag: etag = "", LastModified: modified = undefined }: Shown,
  older: string | null,
): ListedObject {
  return { bucket, key: decoded(key), older, size, etag, modified: modified ?? null };
}

/** S3 writes keys as forms do, since XML cannot hold every character that a key can. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}
