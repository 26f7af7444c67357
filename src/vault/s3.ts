import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { StoredRef, Vault } from "../core/vault.ts";
import { abandonUpload } from "./s3-abandon.ts";
import { attestInS3 } from "./s3-attest.ts";
import { landInS3 } from "./s3-landing.ts";
import { openS3Link, type S3LinkOptions } from "./s3-link.ts";
import { listInS3 } from "./s3-list.ts";
import { disposeInS3 } from "./s3-dispose.ts";
import { extendRetention, setHold, type S3Object } from "./s3-lock.ts";
import { bucketOwnedBy } from "./s3-owner.ts";
import { probeS3 } from "./s3-probe.ts";
import { putToS3 } from "./s3-put.ts";
import { shortenInS3 } from "./s3-shorten.ts";
import { s3Uri } from "./s3-uri.ts";
import { readFromS3 } from "./s3-read.ts";
import { readToken } from "./s3-token.ts";

/** The vault's configuration (null: the SDK's default chain decides, or not used), its clock and its randomness. */
export type S3VaultOptions = Pick<S3LinkOptions, "name" | "bucket" | "region" | "endpoint" | "pathStyle" | "expectedOwner" | "clock" | "random"> &
  Partial<Pick<S3LinkOptions, "credentials" | "sleep" | "attempts" | "requestTimeoutMs">> & {
    /** Put before every key: empty, or ending in a slash. */
    readonly prefix: string;
    readonly mode: "compliance" | "governance";
    readonly kmsKey: string | null;
    /** Whether a lock in governance mode counts as sealed. */
    readonly acceptBypassable: boolean;
  };

/** A vault in an S3 bucket with Object Lock. Nothing is asked of the store, and the SDK is not loaded, before the first call. */
export function openS3Vault(options: S3VaultOptions): Vault {
  const { name, prefix, mode, kmsKey, acceptBypassable } = options;
  const link = openS3Link({
    ...options,
    credentials: options.credentials ?? null,
    sleep: options.sleep ?? ((ms, signal) => sleep(ms, undefined, { signal })),
    attempts: options.attempts ?? 8,
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
  });

  function fullKey(key: string): string {
    const segments = key.split("/");
    if (/[\p{Cc}\\]/u.test(key) || segments.some((segment) => segment === "" || segment === "." || segment === "..") || Buffer.byteLength(prefix + key) > 1024)
      throw new HoldfastError(
        "usage",
        `${printable(key)}: not a key of an S3 vault; use a relative path of plain segments, at most 1024 bytes, without .., backslash or control characters`,
      );
    return prefix + key;
  }

  function objectOf(ref: StoredRef): S3Object {
    return ref.version === null ? { Key: fullKey(ref.key) } : { Key: fullKey(ref.key), VersionId: ref.version };
  }

  async function told<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw link.explain(error);
    }
  }

  return {
    name,
    store: "s3",
    mode,
    locate: (key) => s3Uri(options.bucket, fullKey(key)),
    put: (request, signal) => told(signal, async () => putToS3({ link, fullKey: fullKey(request.key), kmsKey }, request, signal)),
    attest: (stored, encoding, signal) => told(signal, async () => attestInS3(link, stored, fullKey(stored.key), acceptBypassable, encoding, signal)),
    async *read(ref, offset, length, signal) {
      try {
        yield* readFromS3(link, ref, fullKey(ref.key), offset, length, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw link.explain(error);
      }
    },
    async *list(keys, after, signal) {
      try {
        yield* listInS3(link, prefix, keys, after, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw link.explain(error);
      }
    },
    extend: (ref, retainUntil, signal) => told(signal, async () => extendRetention(link, objectOf(ref), mode, retainUntil, signal)),
    shorten: (ref, retainUntil, signal) => told(signal, async () => shortenInS3(link, objectOf(ref), retainUntil, signal)),
    hold: (ref, on, signal) => told(signal, async () => setHold(link, objectOf(ref), on, signal)),
    dispose: (ref, signal) => told(signal, async () => disposeInS3(link, objectOf(ref), signal)),
    ownedBy: (account, signal) => told(signal, async () => bucketOwnedBy(link, account, signal)),
    probe: (signal) => told(signal, async () => probeS3(link, { prefix, mode, kmsKey }, signal)),
    land: (request, token, signal) =>
      told(signal, async () => landInS3({ link, fullKey: fullKey(request.key), kmsKey, withPrefix: fullKey, told }, request, token, signal)),
    abandon: (key, token, signal) =>
      told(signal, async () => {
        const { upload } = readToken(key, token);
        if (upload !== null) await abandonUpload(link, fullKey(key), upload, signal);
      }),
    close: () => link.close(),
  };
}
