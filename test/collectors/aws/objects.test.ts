import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AwsLink } from "../../../collectors/aws/client/link.ts";
import { openObject } from "../../../collectors/aws/client/objects.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { type FaultProxy, startFaultProxy } from "../../clouds/fault-proxy.ts";
import { type S3Fake, startS3Fake } from "../../clouds/s3-fake.ts";
import { openRig, type Rig, useKey } from "./link-rig.ts";

const Bucket = "trail-logs";
const Key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/24/a b+ü.json.gz";
const bytes = randomBytes(3 * 2 ** 20);
let rig: Rig;
let s3: S3Fake;
let proxy: FaultProxy;
let link: AwsLink;
let client: S3Client;

beforeEach(async () => {
  rig = await openRig();
  s3 = await startS3Fake({ buckets: [{ name: Bucket, versioning: true }] });
  client = new S3Client(s3.clientConfig);
  await put(bytes);
  proxy = await startFaultProxy(s3.url, []);
  useKey(s3.credentials);
  // The fake's signatures are checked by its own clock.
  link = rig.link({ config: { ...noAws, endpoint: proxy.url }, clock: () => new Date() });
});
afterEach(async () => {
  expect(s3.violations).toEqual([]);
  client.destroy();
  link.close();
  await proxy.stop();
  await s3.stop();
  await rig.close();
});

async function put(body: Uint8Array): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: body }));
}

async function digest(stallMs?: number, seen: (got: number) => Promise<void> | void = () => undefined): Promise<string> {
  const opened = await openObject(link, "source", null, { Bucket, Key }, rig.signal, stallMs);
  if (opened.kind === "refused") throw new TypeError(opened.code);
  const hash = createHash("sha256");
  let got = 0;
  for await (const chunk of opened.value.bytes) {
    hash.update(chunk);
    got += chunk.length;
    await seen(got);
  }
  return hash.digest("hex");
}

async function drain(read: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of read);
}

const whole = createHash("sha256").update(bytes).digest("hex");

test("an object is read as it is", async () => {
  expect(await digest()).toBe(whole);
});

test("a connection that breaks is taken up at its byte, however often, as long as bytes come", async () => {
  proxy.add({ on: "GetObject", times: 8, does: { kind: "truncate-answer", afterBytes: 300_000 } });
  expect(await digest()).toBe(whole);
  expect(proxy.fired.length).toBe(8);
});

test("a connection that stands still is cut and taken up at its byte", async () => {
  const ranges: (string | undefined)[] = [];
  const server = createServer((message, response) => {
    ranges.push(message.headers.range);
    const from = Number(/^bytes=(\d+)-$/.exec(message.headers.range ?? "")?.[1] ?? 0);
    const part = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { etag: '"e"', "content-length": bytes.length - from, ...part });
    if (from > 0) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(0, 1_000_000)); // and not a byte more
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  link.close();
  link = rig.link({ config: { ...noAws, endpoint: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}` } });
  expect(await digest(200)).toBe(whole);
  expect(ranges).toEqual([undefined, "bytes=1000000-"]);
  server.closeAllConnections();
  server.close();
});

test("a connection that breaks without a byte is unreachable in the end", async () => {
  proxy.add({ on: "GetObject", times: Number.POSITIVE_INFINITY, does: { kind: "truncate-answer", afterBytes: 0 } });
  await expect(digest()).rejects.toMatchObject({ code: "unreachable", message: /broke 5 times at byte 0 of 3145728/ });
});

test("what was overwritten meanwhile is read on in the version that was opened", async () => {
  proxy.add({ on: "GetObject", does: { kind: "truncate-answer", afterBytes: 300_000 } });
  let replaced = false;
  expect(
    await digest(undefined, async () => {
      if (!replaced) await put(randomBytes(2 ** 20));
      replaced = true;
    }),
  ).toBe(whole);
});

test("in a bucket without versions, what was overwritten meanwhile is a changed source and not a mixture", async () => {
  const at = { Bucket: "plain", Key };
  await s3.stop();
  s3 = await startS3Fake({ buckets: [{ name: "plain" }] });
  client.destroy();
  client = new S3Client(s3.clientConfig);
  await client.send(new PutObjectCommand({ ...at, Body: bytes }));
  await proxy.stop();
  proxy = await startFaultProxy(s3.url, [{ on: "GetObject", does: { kind: "truncate-answer", afterBytes: 300_000 } }]);
  link.close();
  link = rig.link({ config: { ...noAws, endpoint: proxy.url }, clock: () => new Date() });
  const opened = await openObject(link, "source", null, at, rig.signal);
  if (opened.kind === "refused") throw new TypeError(opened.code);
  await client.send(new PutObjectCommand({ ...at, Body: randomBytes(bytes.length) }));
  const { bytes: read } = opened.value;
  await expect(drain(read)).rejects.toMatchObject({ code: "source-changed", message: /PreconditionFailed/ });
});

test("denied and missing are answers", async () => {
  expect(await openObject(link, "source", null, { Bucket, Key: "none" }, rig.signal)).toMatchObject({ kind: "refused", trouble: "missing", code: "NoSuchKey" });
  expect(await openObject(link, "source", null, { Bucket: "no-such", Key }, rig.signal)).toMatchObject({
    kind: "refused",
    trouble: "missing",
    code: "NoSuchBucket",
  });
  s3.denied.add("GetObject");
  expect(await openObject(link, "source", null, { Bucket, Key }, rig.signal)).toMatchObject({ kind: "refused", trouble: "denied" });
});

test("an abort ends a reading in its middle", async () => {
  proxy.add({ on: "GetObject", does: { kind: "slow", bytesPerSecond: 100_000 } });
  const stop = new AbortController();
  const opened = await openObject(link, "source", null, { Bucket, Key }, stop.signal);
  if (opened.kind === "refused") throw new TypeError(opened.code);
  setTimeout(() => stop.abort(new Error("stopped")), 200);
  await expect(drain(opened.value.bytes)).rejects.toThrow("stopped");
});
