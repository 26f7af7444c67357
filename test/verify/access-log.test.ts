import { expect, test } from "vitest";
import { parseAccessLogLine } from "../../src/verify/access-log-line.ts";
import { parseTrailRecord } from "../../src/verify/trail-record.ts";

// The form of the records of the Amazon S3 User Guide, "Amazon S3 server access log format", with other values.
const line = (operation: string, key: string, status = "200 -", agent = '"aws-sdk-js/3"'): string =>
  `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be evidence [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::111122223333:user/eve 3E57427F3EXAMPLE ${operation} ${key} "GET /evidence/k?versionId=3 HTTP/1.1" ${status} - 113 7 - "-" ${agent} - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader evidence.s3.us-west-1.amazonaws.com TLSV1.2 - -`;

test("a record gives its bucket, time, caller, request id, operation and key", () => {
  expect(parseAccessLogLine(line("REST.GET.OBJECT", "holdfast/C-1/001-x/a.tar"), "f:1")).toEqual({
    log: "f:1",
    time: Date.parse("2019-02-06T00:00:38Z"),
    bucket: "evidence",
    keys: ["holdfast/C-1/001-x/a.tar"],
    operation: "REST.GET.OBJECT",
    kind: "read",
    requestId: "3E57427F3EXAMPLE",
    requester: "arn:aws:iam::111122223333:user/eve",
    address: "192.0.2.3",
    refused: null,
  });
});

test.for([
  ["REST.GET.OBJECT", "read"],
  ["REST.COPY.OBJECT_GET", "read"],
  ["REST.HEAD.OBJECT", "look"],
  ["REST.GET.ACL", "look"],
  ["REST.GET.OBJECT_TAGGING", "look"],
  ["REST.PUT.OBJECT", "write"],
  ["REST.PUT.PART", "write"],
  ["REST.POST.UPLOAD", "write"],
  ["REST.DELETE.OBJECT", "delete"],
  ["BATCH.DELETE.OBJECT", "delete"],
  ["S3.EXPIRE.OBJECT", "delete"],
  ["SOMETHING.NEW", "write"],
] as const)("%s is a %s", ([operation, kind]) => expect(parseAccessLogLine(line(operation, "k"), "f")?.kind).toBe(kind));

test("a refusal carries its status and code; a user agent full of quotes hides nothing; a key is tried in all its encodings", () => {
  expect(parseAccessLogLine(line("REST.DELETE.OBJECT", "k", "403 AccessDenied", '"x" 200 - "'), "f")).toMatchObject({
    kind: "delete",
    refused: "403 AccessDenied",
  });
  expect(parseAccessLogLine(line("REST.GET.OBJECT", "a%2520b"), "f")?.keys).toContain("a b");
  expect(parseAccessLogLine(line("REST.GET.OBJECT", "100%25"), "f")?.keys).toContain("100%");
});

test.for(["", "x", line("REST.GET.OBJECT", "k").replace("Feb", "Foo"), line("REST.GET.OBJECT", "k").replace("38 +0000", "38")])("%j is no record", (text) =>
  expect(parseAccessLogLine(text, "f")).toBeNull(),
);

test("CloudTrail: a call on an object is one, another service's is none, what is no event is unreadable", () => {
  const event = {
    eventSource: "s3.amazonaws.com",
    eventName: "PutObjectRetention",
    eventTime: "2030-01-01T00:00:00Z",
    requestID: "R1",
    sourceIPAddress: "192.0.2.3",
    errorCode: "AccessDenied",
    userIdentity: { arn: "arn:aws:sts::1:assumed-role/r/s" },
    requestParameters: { bucketName: "b", key: "k" },
  };
  expect(parseTrailRecord(event, "f#0")).toMatchObject({ kind: "lock", keys: ["k"], requestId: "R1", refused: "AccessDenied", address: "192.0.2.3" });
  expect(parseTrailRecord({ ...event, eventName: "DeleteObjects", requestParameters: { bucketName: "b" } }, "f")).toMatchObject({ kind: "delete", keys: [] });
  expect(parseTrailRecord({ ...event, eventSource: "ec2.amazonaws.com" }, "f")).toBeNull();
  expect(parseTrailRecord(null, "f")).toBe("unreadable");
});
