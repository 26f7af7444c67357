import { EBSClient, GetSnapshotBlockCommand } from "@aws-sdk/client-ebs";
import { expect, test } from "vitest";
import { signer } from "../../../collectors/aws/disk-image/block-signature.ts";

const example = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

// AWS's own Signature Version 4 test suite (aws-sig-v4-test-suite), the requests without a body.
test.for([
  ["get-vanilla", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["get-vanilla-query-order-key-case", { Param2: "value2", Param1: "value1" }, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"],
  [
    "get-vanilla-query-unreserved",
    {
      "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz": "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    },
    "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  ],
] as const)("%s has the published signature", ([, query, signature]) => {
  const signed = signer("us-east-1", "service")({ host: "example.amazonaws.com", path: "/", query }, example, new Date("2015-08-30T12:36:00Z"));
  expect(signed.headers.find(([name]) => name === "authorization")?.[1]).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  );
});

test("a block is signed as the SDK's own signer signs the same request", async () => {
  const keys = { ...example, sessionToken: "token+/=" };
  const client = new EBSClient({ region: "eu-west-1", credentials: keys, maxAttempts: 1 });
  const block = new GetSnapshotBlockCommand({ SnapshotId: "snap-0123456789abcdef0", BlockIndex: 7, BlockToken: "AAab+/12==" });
  const seen: { hostname: string; path: string; query: Record<string, string>; headers: Record<string, string> }[] = [];
  block.middlewareStack.add(
    () => async (args) => {
      seen.push(args.request as (typeof seen)[number]);
      throw new Error("far enough");
    },
    { step: "finalizeRequest", name: "stopBeforeSigning", priority: "high" },
  );
  await expect(client.send(block)).rejects.toThrow("far enough");
  const [request] = seen;
  if (request === undefined) throw new Error("no request was made");
  const now = new Date("2026-11-24T12:00:00Z");
  const sdk = await client.config.signer();
  const theirs = await sdk.sign(
    { method: "GET", protocol: "https:", hostname: request.hostname, path: request.path, query: request.query, headers: { host: request.hostname } },
    { signingDate: now, signingRegion: "eu-west-1", signingService: "ebs", unsignableHeaders: new Set(["x-amz-content-sha256"]) },
  );
  const ours = signer("eu-west-1", "ebs")({ host: request.hostname, path: request.path, query: request.query }, keys, now);
  expect(ours.target).toBe("/snapshots/snap-0123456789abcdef0/blocks/7?blockToken=AAab%2B%2F12%3D%3D");
  // The hash of the empty body is a header that only S3 asks for.
  const { "x-amz-content-sha256": _, ...headers } = theirs.headers;
  expect(Object.fromEntries(ours.headers)).toEqual(headers);
});
