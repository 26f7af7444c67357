import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { backoffMs } from "../core/backoff.ts";
import type { Clock, Random } from "../core/ports.ts";
import { explainFailure } from "./s3-explain.ts";
import { retryAfterMs, troubleOf, type Trouble } from "./s3-trouble.ts";

/** The SDK is loaded with the first request: who uses no S3 vault does not pay for it. */
export type Sdk = typeof import("@aws-sdk/client-s3");

export type S3LinkOptions = {
  readonly name: string;
  readonly bucket: string;
  /** Null leaves region, credentials and endpoint to the SDK's default chain (`AWS_*`, profile, instance role). */
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly pathStyle: boolean;
  readonly expectedOwner: string | null;
  readonly credentials: NonNullable<S3ClientConfig["credentials"]> | null;
  readonly clock: Clock;
  readonly random: Random;
  /** Must end early, by rejecting, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Tries of one request before it counts as failed. */
  readonly attempts: number;
  /** How long a small request may take, and a read may stand still. */
  readonly requestTimeoutMs: number;
};

export type Ask<T> = {
  /** What is being done, for the error's sentence: "upload part 3 of KEY". */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly send: (client: S3Client, sdk: Sdk, options: { readonly abortSignal: AbortSignal }) => Promise<T>;
  /** How many times the usual limit this request may take. Default 1. */
  readonly patience?: number;
  /** After an answer that was lost: looks whether it happened. Null means that it did not, or cannot be known: ask again. */
  readonly settle?: () => Promise<T | null>;
};

export type S3Link = {
  readonly options: S3LinkOptions;
  /** In every request: the bucket, and who must own it. */
  readonly common: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
  ask<T>(ask: Ask<T>): Promise<T>;
  /** The error of a failed ask, as a sentence with a code. Whatever else went wrong (the source, the journal) passes unchanged. */
  explain(error: unknown): unknown;
  close(): void;
};

/** A body may take one limit more for every 4 MiB: 70 KB/s at the usual minute. */
export function patienceForBody(bytes: number): number {
  return 1 + bytes / 2 ** 22;
}

export function openS3Link(options: S3LinkOptions): S3Link {
  let opened: Promise<{ readonly client: S3Client; readonly sdk: Sdk }> | null = null;
  let answered = false;
  const clients = new Set<S3Client>();
  /** What was being done when the store failed. */
  const failures = new WeakMap<Error, string>();
  const common = options.expectedOwner === null ? { Bucket: options.bucket } : { Bucket: options.bucket, ExpectedBucketOwner: options.expectedOwner };

  async function once<T>(ask: Ask<T>): Promise<T> {
    ask.signal.throwIfAborted();
    opened ??= open(options);
    const mine = opened;
    try {
      const { client, sdk } = await mine;
      clients.add(client);
      const answer = await limited(ask, (abortSignal) => ask.send(client, sdk, { abortSignal }));
      answered = true;
      return answer;
    } catch (error) {
      // A new client asks the whole credential chain again: the SDK keeps what it has until shortly before its own end date.
      if (troubleOf(error) === "lapsed" && opened === mine) opened = null;
      throw error;
    }
  }

  /** A timer that is cleared, not AbortSignal.timeout and any(): those would outlive thousands of quick requests. */
  async function limited<T>(ask: Ask<T>, send: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = new AbortController();
    const cut = (): void => attempt.abort();
    const timer = setTimeout(cut, Math.ceil(options.requestTimeoutMs * (ask.patience ?? 1)));
    ask.signal.addEventListener("abort", cut, { once: true });
    try {
      return await send(attempt.signal);
    } finally {
      clearTimeout(timer);
      ask.signal.removeEventListener("abort", cut);
    }
  }

  async function ask<T>(request: Ask<T>): Promise<T> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      let trouble: Trouble;
      let wait: number | null;
      try {
        return await once(request);
      } catch (error) {
        request.signal.throwIfAborted();
        trouble = troubleOf(error);
        if (trouble === "lapsed" && answered && !renewed) {
          renewed = true;
          continue;
        }
        if (attempt >= options.attempts || (trouble !== "throttled" && trouble !== "unknown" && trouble !== "corrupt")) {
          if (error instanceof Error) failures.set(error, request.what);
          throw error;
        }
        wait = retryAfterMs(error, options.clock());
      }
      await options.sleep(backoffMs(options.random, attempt, wait), request.signal);
      if (trouble === "unknown" && request.settle !== undefined) {
        const settled = await request.settle();
        if (settled !== null) return settled;
      }
    }
  }

  return {
    options,
    common,
    ask,
    explain(error) {
      const what = error instanceof Error ? failures.get(error) : undefined;
      return what === undefined ? error : explainFailure(options, what, error, answered);
    },
    close() {
      for (const client of clients) client.destroy();
    },
  };
}

async function open(options: S3LinkOptions): Promise<{ readonly client: S3Client; readonly sdk: Sdk }> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    ...(options.region === null ? {} : { region: options.region }),
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
    forcePathStyle: options.pathStyle,
    maxAttempts: 1, // a retry needs to know what a lost answer means: ask() and its settle()
    expectContinueHeader: false, // a server that never says 100 would stall each part
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: { connectionTimeout: 10_000, httpAgent: { keepAlive: true, maxSockets: 64 }, httpsAgent: { keepAlive: true, maxSockets: 64 } },
  });
  // The digest that the part came with is also what the signature needs: without this the SDK hashes every body again.
  client.middlewareStack.add(
    (next) => async (args) => {
      const { input, request } = args;
      if ("ChecksumSHA256" in input && typeof input.ChecksumSHA256 === "string" && "Body" in input) presetPayloadHash(request, input.ChecksumSHA256);
      return next(args);
    },
    { step: "build", priority: "low", name: "holdfastPayloadHash" },
  );
  return { client, sdk };
}

function presetPayloadHash(request: unknown, base64: string): void {
  if (typeof request !== "object" || request === null || !("headers" in request)) return;
  const { headers } = request;
  if (typeof headers === "object" && headers !== null) Reflect.set(headers, "x-amz-content-sha256", Buffer.from(base64, "base64").toString("hex"));
}
