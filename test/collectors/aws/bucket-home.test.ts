import { createServer } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { AwsLink, Observed } from "../../../collectors/aws/client/link.ts";
import { openObject } from "../../../collectors/aws/client/objects.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { type S3Fake, startS3Fake } from "../../clouds/s3-fake.ts";
import { openRig, type Rig, useKey } from "./link-rig.ts";

const at = { Bucket: "trail-logs", Key: "AWSLogs/one.gz" };
let rig: Rig;
let s3: S3Fake;

beforeEach(async () => {
  rig = await openRig();
  s3 = await startS3Fake({ buckets: [{ name: at.Bucket }, { name: "here" }] });
  const client = new S3Client(s3.clientConfig);
  await client.send(new PutObjectCommand({ ...at, Body: "logged" }));
  client.destroy();
  useKey(s3.credentials);
});
afterEach(async () => {
  expect(s3.violations).toEqual([]);
  await s3.stop();
  await rig.close();
});

function linkIn(region: string, observe: (call: Observed) => void = () => undefined, endpoint: string = s3.url): AwsLink {
  return rig.link({ region, config: { ...noAws, endpoint }, clock: () => new Date(), observe });
}

test.for([
  ["us-east-1", "eu-central-1", "AuthorizationHeaderMalformed"],
  ["eu-west-1", "us-east-1", "PermanentRedirect"],
] as const)("from %s a bucket in %s is found where S3 says that it is (%s), once, and no credentials are doubted", async ([from, to, code]) => {
  s3.bucket(at.Bucket).region = to;
  const regions: string[] = [];
  const link = linkIn(from, ({ region }) => void regions.push(region));
  const head = await link.ask("source", null, "s3:HeadObject", at, rig.signal);
  expect(head).toMatchObject({ kind: "answer", value: { ContentLength: 6 } });
  const opened = await openObject(link, "source", null, at, rig.signal);
  if (opened.kind === "refused") throw new Error(opened.code);
  const read: Uint8Array[] = [];
  for await (const chunk of opened.value.bytes) read.push(chunk);
  expect(Buffer.concat(read).toString()).toBe("logged");
  expect((await link.ask("source", null, "s3:ListObjectsV2", { Bucket: "here" }, rig.signal)).kind).toBe("answer");
  expect(s3.requests.slice(1).map((one) => [one.operation, one.code])).toEqual([
    ["HeadObject", code],
    ["HeadObject", null],
    ["GetObject", null],
    ["ListObjectsV2", null],
  ]);
  expect(regions).toEqual([to, to, from]);
});

test("what the bucket's own Region refuses stays a refusal", async () => {
  s3.bucket(at.Bucket).region = "eu-central-1";
  const link = linkIn("us-east-1");
  expect(await link.ask("source", null, "s3:GetObject", { ...at, Key: "none" }, rig.signal)).toMatchObject({ kind: "refused", code: "NoSuchKey" });
  s3.denied.add("ListObjectsV2");
  expect(await link.ask("source", null, "s3:ListObjectsV2", { Bucket: at.Bucket }, rig.signal)).toMatchObject({ kind: "refused", trouble: "denied" });
});

/** As servers do that are no AWS: no header, one word for it or another. */
async function refusing(answer: (region: string) => string, run: (url: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const server = createServer((message, response) => {
    const region = /\/\d{8}\/([^/]+)\/s3/.exec(message.headers.authorization ?? "")?.[1] ?? "";
    asked.push(region);
    if (region === "us-east-1") return void response.end("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>");
    const body = `<?xml version="1.0"?><Error><Code>AuthorizationHeaderMalformed</Code>${answer(region)}<RequestId>R1</RequestId></Error>`;
    response.writeHead(400, { "content-type": "application/xml", "x-amz-request-id": "R1" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("no port");
  try {
    await run(`http://127.0.0.1:${address.port}`, asked);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const list = (link: AwsLink): Promise<{ readonly kind: string }> => link.ask("source", null, "s3:ListObjectsV2", { Bucket: "logs" }, rig.signal);

test("the name in the error's element, or in its words alone, is enough", async () => {
  const words = "The authorization header is malformed; the region is wrong; expecting 'us-east-1'.";
  for (const text of [`<Message>m</Message><Region>us-east-1</Region>`, `<Message>${words}</Message>`])
    await refusing(
      () => text,
      async (url, asked) => {
        expect((await list(linkIn("eu-west-1", undefined, url))).kind).toBe("answer");
        expect(asked).toEqual(["eu-west-1", "us-east-1"]);
      },
    );
});

test.for([
  ["names none", "<Message>the region is wrong</Message>"],
  ["names the very one that was asked", "<Message>the region is wrong</Message><Region>eu-west-1</Region>"],
  ["names what is no Region", "<Message>the region is wrong</Message><Region>evil.example/#</Region>"],
] as const)("a Region that is refused by an S3 that %s is a wrong configuration, not the end of the credentials", async ([, text]) => {
  await refusing(
    () => text,
    async (url, asked) => {
      const link = linkIn("eu-west-1", undefined, url);
      const inUse = link.ask("source", "us-east-1", "s3:ListObjectsV2", { Bucket: "logs" }, rig.signal);
      expect((await inUse).kind).toBe("answer"); // the credentials did work
      await expect(list(link)).rejects.toMatchObject({ code: "config", message: expect.stringContaining("does not take this Region for the bucket") });
      expect(asked).toEqual(["us-east-1", "eu-west-1"]);
    },
  );
});

test("one S3 that sends to another and back again is not followed round", async () => {
  await refusing(
    (region) => `<Message>the region is wrong</Message><Region>${region === "eu-west-1" ? "eu-west-2" : "eu-west-1"}</Region>`,
    async (url, asked) => {
      await expect(list(linkIn("eu-west-1", undefined, url))).rejects.toMatchObject({ code: "config" });
      expect(asked).toEqual(["eu-west-1", "eu-west-2"]);
    },
  );
});
