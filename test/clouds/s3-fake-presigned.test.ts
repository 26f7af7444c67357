import { createHash } from "node:crypto";
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPresigned } from "./s3-fake-presigned.ts";
import { type S3Fake, startS3Fake } from "./s3-fake.ts";

/** AWS's own example, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)". */
const example =
  "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
const exampleKeys = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const noon = new Date("2013-05-24T12:00:00Z");

function check(url: string, now: Date = noon, headers: Readonly<Record<string, string>> = {}): string {
  try {
    checkPresigned({ method: "GET", headers: { host: "examplebucket.s3.amazonaws.com", ...headers } }, new URL(url), exampleKeys, now);
    return "accepted";
  } catch (error) {
    return error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : String(error);
  }
}

describe("the vendor's published presigned link", () => {
  test("is accepted to its last second, and not one longer", () => {
    expect(check(example)).toBe("accepted");
    expect(check(example, new Date("2013-05-25T00:00:00Z"))).toBe("accepted");
    expect(check(example, new Date("2013-05-25T00:00:01Z"))).toBe("AccessDenied: Request has expired");
    expect(check(example, new Date("2013-05-23T23:40:00Z"))).toBe("AccessDenied: Request is not valid yet");
  });

  test.for([
    ["another object", example.replace("test.txt", "test2.txt"), /^SignatureDoesNotMatch/],
    ["a longer life", example.replace("86400", "86401"), /^SignatureDoesNotMatch/],
    ["one more parameter", `${example}&versionId=1`, /^SignatureDoesNotMatch/],
    ["another region", example.replace("us-east-1", "eu-west-1"), /^SignatureDoesNotMatch/],
    ["more than a week", example.replace("86400", "604801"), /^AuthorizationQueryParametersError: .*less than a week/],
    ["no signature", example.replace(/&X-Amz-Signature=.*/, ""), /^AuthorizationQueryParametersError: .*requires/],
    ["another algorithm", example.replace("HMAC-SHA256", "HMAC-SHA1"), /^AuthorizationQueryParametersError/],
    ["other keys", example.replace("AKIAIOSFODNN7EXAMPLE", "AKIAOTHER"), /^InvalidAccessKeyId/],
    ["a session token that belongs to nobody", `${example}&X-Amz-Security-Token=t`, /^InvalidToken/],
  ] as const)("bent to %s is refused", ([, url, refusal]) => {
    expect(check(url)).toMatch(refusal);
  });

  test("is refused with an unsigned x-amz- header or with a second way to sign, and takes other headers", () => {
    expect(check(example, noon, { "x-amz-acl": "private" })).toMatch(/^AccessDenied: .*not signed/);
    expect(check(example, noon, { authorization: "AWS4-HMAC-SHA256 Credential=…" })).toMatch(/^InvalidArgument/);
    expect(check(example, noon, { "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==", range: "bytes=0-1" })).toBe("accepted");
  });
});

describe("links made by the vendor's presigner", () => {
  let now = new Date();
  let fake: S3Fake;
  let client: S3Client;
  beforeAll(async () => {
    fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], clock: () => now });
    client = new S3Client({ ...fake.clientConfig, requestChecksumCalculation: "WHEN_REQUIRED" });
  });
  afterAll(async () => {
    client.destroy();
    await fake.stop();
  });

  async function link(from: S3Client): Promise<string> {
    const Key = "memory (1) ü+&.lime";
    const lock = { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: new Date(now.getTime() + 60_000) } as const;
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: "evidence", Key, ...lock }));
    return getSignedUrl(from, new UploadPartCommand({ Bucket: "evidence", Key, UploadId, PartNumber: 1 }), { expiresIn: 60, signingDate: now });
  }
  const put = async (url: string): Promise<string> => {
    const body = "part";
    const answer = await fetch(url, { method: "PUT", body, headers: { "content-md5": createHash("md5").update(body).digest("base64") } });
    return `${answer.status} ${/<Code>(.*)<\/Code>/.exec(await answer.text())?.[1] ?? ""}`;
  };

  test("write their part until the server's clock says that they have ended", async () => {
    const url = await link(client);
    expect(await put(url)).toBe("200 ");
    now = new Date(now.getTime() + 62_000);
    expect(await put(url)).toBe("403 AccessDenied");
    expect(fake.violations).toEqual([]);
  });

  test("carry the checksum of an empty body by the SDK's default, and are then refused with a real one", async () => {
    const byDefault = new S3Client(fake.clientConfig);
    const url = await link(byDefault);
    byDefault.destroy();
    expect(url).toContain("x-amz-checksum-crc32=AAAAAA");
    expect(await put(url)).toBe("501 NotImplemented");
    expect(fake.violations).toEqual([expect.stringMatching(/UploadPart with query x-amz-(sdk-)?checksum/)]);
  });
});
