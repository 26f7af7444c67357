import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { HoldfastError } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { StoredRef } from "../core/vault.ts";
import type { S3Link, Sdk } from "./s3-link.ts";
import { versionOf } from "./s3-look.ts";
import { troubleOf } from "./s3-trouble.ts";

/** Bytes of exactly one version. A connection that breaks is taken up again at the byte where it broke. */
export async function* readFromS3(
  link: S3Link,
  ref: StoredRef,
  fullKey: string,
  offset: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  let failures = 0;
  while (done < length) {
    try {
      for await (const chunk of openRange(link, ref, fullKey, offset + done, length - done, signal)) {
        done += chunk.length;
        failures = 0;
        yield chunk;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError || troubleOf(error) !== "unknown") throw error;
      if (++failures >= link.options.attempts)
        throw new HoldfastError(
          "vault",
          `${printable(ref.uri)}: the connection broke ${failures} times at byte ${offset + done}; try again when the store is well`,
          error,
        );
      await link.options.sleep(250 * failures, signal);
    }
  }
}

async function* openRange(
  link: S3Link,
  ref: StoredRef,
  fullKey: string,
  offset: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wrong = (text: string): HoldfastError =>
    new HoldfastError("vault", `${printable(ref.uri)}: bytes ${offset} to ${offset + length} were asked for, ${text}`);
  const { body: answer, connection } = await link.ask({
    what: `read ${fullKey}`,
    signal,
    send: (client, sdk, { abortSignal }) => get(client, sdk, abortSignal),
  });

  async function get(
    client: S3Client,
    sdk: Sdk,
    abortSignal: AbortSignal,
  ): Promise<{ readonly body: GetObjectCommandOutput; readonly connection: AbortController }> {
    const connection = new AbortController();
    const cut = (): void => connection.abort();
    // The request's time limit is for its answer: the body may take as long as it keeps coming.
    abortSignal.addEventListener("abort", cut, { once: true });
    try {
      const range = `bytes=${offset}-${offset + length - 1}`;
      const version = ref.version === null ? {} : { VersionId: ref.version };
      const command = new sdk.GetObjectCommand({ ...link.common, Key: fullKey, ...version, Range: range });
      return { body: await client.send(command, { abortSignal: AbortSignal.any([signal, connection.signal]) }), connection };
    } finally {
      abortSignal.removeEventListener("abort", cut);
    }
  }

  try {
    if (answer.Body === undefined) throw wrong("the store answered without bytes");
    if (ref.version !== null && versionOf(answer.VersionId) !== ref.version)
      throw wrong(`of version ${ref.version}, the store answered with version ${answer.VersionId ?? "(none)"}`);
    // A store that ignores the range gives the whole object: only right where the whole was asked for.
    const [, from, to] = /^bytes (\d+)-(\d+)\//.exec(answer.ContentRange ?? "") ?? [];
    const asAsked = from === undefined ? offset === 0 && answer.ContentLength === length : Number(from) === offset && Number(to) === offset + length - 1;
    if (!asAsked) throw wrong(`the store gives ${answer.ContentRange ?? `${answer.ContentLength ?? "an unknown number of"} bytes`}`);
    const chunks = (answer.Body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator](); // in Node it is a Readable
    for (let got = 0; ; ) {
      const stalled = setTimeout(() => connection.abort(), link.options.requestTimeoutMs);
      const next = await chunks.next().finally(() => clearTimeout(stalled));
      if (next.done === true) {
        if (got < length) throw new Error(`the answer ended ${length - got} bytes early`);
        return;
      }
      got += next.value.length;
      if (got > length) throw wrong("the store gives more");
      yield next.value;
    }
  } finally {
    connection.abort();
  }
}
