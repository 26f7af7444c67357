import { HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Answer, AwsLink, Output, Scope } from "./link.ts";

export type ObjectAt = { readonly Bucket: string; readonly Key: string; readonly VersionId?: string };

/** An object's head, and its bytes for one reading. */
export type OpenedObject = { readonly head: Output<"s3:GetObject">; readonly bytes: AsyncIterable<Uint8Array> };

/** How often reading goes on without a single byte in between before it gives up. */
const attempts = 5;

/**
 * Opens an object of S3 for one reading from beginning to end. A connection that breaks or stands still is taken up again at the
 * byte it came to, of the same object: one that was replaced or deleted meanwhile rejects with `source-changed`.
 */
export async function openObject(
  link: AwsLink,
  scope: Scope,
  region: string | null,
  at: ObjectAt,
  signal: AbortSignal,
  stallMs = 60_000,
): Promise<Answer<OpenedObject>> {
  const first = await link.ask(scope, region, "s3:GetObject", at, signal);
  if (first.kind === "refused") return first;
  return { ...first, value: { head: first.value, bytes: read(first.value) } };

  async function* read(head: Output<"s3:GetObject">): AsyncGenerator<Uint8Array, void, undefined> {
    const size = head.ContentLength;
    const name = `s3://${printable(at.Bucket)}/${printable(at.Key)}`;
    if (size === undefined || head.ETag === undefined) throw new HoldfastError("unexpected", `${name}: S3 answered without length or ETag`);
    let got = 0;
    let failed = 0;
    for (let body: unknown = head.Body; ; body = await again(head, head.ETag, name, got)) {
      const before = got;
      try {
        for await (const chunk of flowing(body, signal, stallMs)) {
          got += chunk.length;
          if (got > size) throw new HoldfastError("unexpected", `${name}: S3 gives more than its ${size} bytes`);
          yield chunk;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HoldfastError) throw error;
        failed = got > before ? 1 : failed + 1;
        if (failed >= attempts)
          throw new HoldfastError("unreachable", `${name}: the connection broke ${attempts} times at byte ${got} of ${size}; resume when it is well`, error);
        continue;
      }
      if (got === size) return;
      failed = got > before ? 1 : failed + 1;
      if (failed >= attempts)
        throw new HoldfastError("unreachable", `${name}: the answer ended ${attempts} times at byte ${got} of ${size}; resume when it is well`);
    }
  }

  async function again(head: Output<"s3:GetObject">, etag: string, name: string, got: number): Promise<unknown> {
    const version = at.VersionId ?? head.VersionId;
    const same = { Bucket: at.Bucket, Key: at.Key, ...(version === undefined ? {} : { VersionId: version }), IfMatch: etag, Range: `bytes=${got}-` };
    const next = await link.ask(scope, region, "s3:GetObject", same, signal);
    if (next.kind === "refused")
      throw new HoldfastError(
        next.trouble === "conflict" || next.trouble === "missing" ? "source-changed" : "unreachable",
        `${name}: reading broke at byte ${got} and cannot go on (${next.code}: ${printable(next.text)})`,
      );
    if (got > 0 && !next.value.ContentRange?.startsWith(`bytes ${got}-`))
      throw new HoldfastError("unexpected", `${name}: S3 ignores the range that was asked for`);
    return next.value.Body;
  }
}

/** A body's chunks; ends by rejecting when none came for so long, or when the signal is aborted. */
async function* flowing(body: unknown, signal: AbortSignal, stallMs: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (!isReadable(body)) return;
  const cut = (): void => void body.destroy(new Error("reading was stopped"));
  signal.addEventListener("abort", cut, { once: true });
  const chunks = body[Symbol.asyncIterator]();
  try {
    signal.throwIfAborted();
    for (;;) {
      const stalled = setTimeout(() => void body.destroy(new Error(`nothing came for ${stallMs} ms`)), stallMs);
      const next = await chunks.next().finally(() => clearTimeout(stalled));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", cut);
    body.destroy();
  }
}

type Readable = AsyncIterable<Uint8Array> & { destroy(error?: Error): void };

/** In Node, a body of the SDK is a Readable. */
function isReadable(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body && "destroy" in body;
}
