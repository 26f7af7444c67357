import { HoldfastError } from "../core/error.ts";
import type { Listed } from "../core/vault.ts";
import type { S3Link } from "./s3-link.ts";
import { versionOf } from "./s3-look.ts";

/** ListObjectVersions, page by page. `keys` is below the vault's prefix, and so are the keys that come back. */
export async function* listInS3(
  link: S3Link,
  prefix: string,
  keys: string,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<Listed, void, undefined> {
  let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = after === null ? {} : { KeyMarker: prefix + after };
  for (;;) {
    signal.throwIfAborted();
    const page = await link.ask({
      what: `list ${prefix}${keys}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.ListObjectVersionsCommand({ ...link.common, Prefix: prefix + keys, ...marker }), options),
    });
    const found = [
      ...(page.Versions ?? []).map(({ Key, VersionId, Size, LastModified }) => ({
        key: Key,
        version: versionOf(VersionId),
        bytes: Size ?? 0,
        modified: LastModified,
      })),
      ...(page.DeleteMarkers ?? []).map(({ Key, VersionId, LastModified }) => ({
        key: Key,
        version: versionOf(VersionId),
        bytes: null,
        modified: LastModified,
      })),
    ];
    // Versions and delete markers come in two lists, each in order.
    for (const { key, version, bytes, modified } of found.sort((a, b) => byBytes(a.key ?? "", b.key ?? ""))) {
      if (key?.startsWith(prefix + keys) !== true) throw strange(link, `key ${JSON.stringify(key)} to a list of ${prefix}${keys}`);
      const below = key.slice(prefix.length);
      // A folder's marker made by a console; no key of ours ends in a slash.
      if (!below.endsWith("/") && (after === null || byBytes(below, after) > 0))
        yield { key: below, version, bytes, modified: modified?.toISOString() ?? null };
    }
    if (page.IsTruncated !== true) return;
    const { NextKeyMarker, NextVersionIdMarker } = page;
    if (NextKeyMarker === undefined || (NextKeyMarker === marker.KeyMarker && NextVersionIdMarker === marker.VersionIdMarker))
      throw strange(link, "that a list goes on, and not where");
    marker = { KeyMarker: NextKeyMarker, ...(NextVersionIdMarker === undefined ? {} : { VersionIdMarker: NextVersionIdMarker }) };
  }
}

function strange(link: S3Link, what: string): HoldfastError {
  return new HoldfastError("vault", `vault ${link.options.name}: the store answered ${what}; it cannot be listed`);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
