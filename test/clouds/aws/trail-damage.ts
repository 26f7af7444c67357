import { gunzipSync, gzipSync } from "node:zlib";
import type { Planted } from "./planted.ts";
import { type Digest, digestKey, digestOf, putDigest, signingKey, type TrailBucket } from "./trail-bucket.ts";

/** What can be done to a trail's bucket; each to the middle of it. The names are those of the outside oracle's variants. */
export type TrailDamage =
  | "deleted_log"
  | "altered_log"
  | "log_trailing_bytes"
  | "log_recompressed"
  | "moved_log"
  | "missing_digest_middle"
  | "missing_digest_newest"
  | "missing_digest_oldest"
  | "altered_digest"
  | "wrong_key"
  | "unknown_key"
  | "altered_signature"
  | "no_signature_metadata"
  | "moved_digest"
  | "relinked_digest"
  | "backfill";

/** Damages in place and says which object it was about. */
export function damageTrail(bucket: TrailBucket, damage: TrailDamage): string {
  const { objects, logs, digests, key, options } = bucket;
  const log = at(logs, Math.floor(logs.length / 2));
  const middle = Math.floor(digests.length / 2);
  const digest = at(digests, middle);
  const change = (name: string, made: (object: Planted) => Partial<Planted>): string => {
    const object = objectOf(bucket, name);
    objects.set(name, { ...object, ...made(object) });
    return name;
  };
  const remove = (name: string): string => {
    objects.delete(name);
    return name;
  };
  switch (damage) {
    case "deleted_log":
      return remove(log);
    case "altered_log":
      return change(log, ({ bytes }) => ({ bytes: gzipSync(gunzipSync(bytes).toString("utf8").replace("DescribeInstances", "DescribeInstancez")) }));
    case "log_trailing_bytes":
      return change(log, ({ bytes }) => ({ bytes: Buffer.concat([bytes, Buffer.from("evil")]) }));
    case "log_recompressed":
      return change(log, ({ bytes }) => ({ bytes: gzipSync(gunzipSync(bytes), { level: 1 }) }));
    case "moved_log": {
      const moved = `moved/${log}`;
      objects.set(moved, { ...objectOf(bucket, log), key: moved });
      return remove(log);
    }
    case "missing_digest_middle":
      return remove(digest);
    case "missing_digest_newest":
      return remove(at(digests, digests.length - 1));
    case "missing_digest_oldest":
      return remove(at(digests, 0));
    case "altered_digest":
      return change(digest, ({ bytes }) => ({ bytes: gzipSync(JSON.stringify(withoutLast(parsed(bytes)))) }));
    case "wrong_key":
      putDigest(objects, options.bucket, digest, withoutLast(parsed(objectOf(bucket, digest).bytes)), signingKey());
      return digest;
    case "unknown_key": {
      const other = signingKey();
      putDigest(objects, options.bucket, digest, { ...parsed(objectOf(bucket, digest).bytes), digestPublicKeyFingerprint: other.fingerprint }, other);
      return digest;
    }
    case "altered_signature":
      return change(digest, ({ metadata }) => {
        const signature = metadata["signature"] ?? "";
        return { metadata: { ...metadata, signature: signature.slice(0, -1) + (signature.endsWith("0") ? "1" : "0") } };
      });
    case "no_signature_metadata":
      return change(digest, () => ({ metadata: {} }));
    case "moved_digest":
      return change(digest, () => ({ ...objectOf(bucket, at(digests, middle - 1)), key: digest }));
    case "relinked_digest":
      putDigest(objects, options.bucket, digest, withoutLast(parsed(objectOf(bucket, digest).bytes)), key);
      return digest;
    case "backfill": {
      const end = new Date(options.from.getTime() + options.hours * 3_600_000);
      const name = digestKey(options, end, true);
      const files = parsed(objectOf(bucket, at(digests, 0)).bytes).logFiles;
      const late = digestOf(options, key, name, new Date(end.getTime() - 3_600_000), files, null);
      putDigest(objects, options.bucket, name, late, key, { "backfill-generation-timestamp": `${end.toISOString().slice(0, 19)}Z` });
      return name;
    }
    default:
      return damage satisfies never;
  }
}

function at(names: readonly string[], index: number): string {
  const name = names[index];
  if (name === undefined) throw new RangeError(`this trail is too short to damage: no number ${index}`);
  return name;
}

function objectOf(bucket: TrailBucket, name: string): Planted {
  const object = bucket.objects.get(name);
  if (object === undefined) throw new RangeError(`already gone: ${name}`);
  return object;
}

function parsed(bytes: Uint8Array): Digest {
  return JSON.parse(gunzipSync(bytes).toString("utf8"));
}

function withoutLast(digest: Digest): Digest {
  return { ...digest, logFiles: digest.logFiles.slice(0, -1) };
}
