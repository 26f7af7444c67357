import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "../../../src/core/printable.ts";
import { metadataMember, objectMember, pageMember } from "../../../collectors/aws/logs/log-names.ts";

test("a key that CloudTrail or VPC gives is its own name", () => {
  const key = "vpc/AWSLogs/aws-account-id=111122223333/year=2026/a b+ü.log.gz";
  expect(objectMember("logs", key)).toBe(`s3/logs/${key}`);
  expect(objectMember("logs", key, "v1")).toBe(`s3-versions/logs/${key}/v1`);
  expect(metadataMember("logs", key)).toBe(`s3-metadata/logs/${key}.json`);
  expect(pageMember(["logs", "/aws/vpc", "eni-1"], 7, "json")).toBe("logs/%2Faws%2Fvpc/eni-1/page-000007.json");
});

test.for([["../../etc/passwd"], ["/etc/passwd"], ["a//b"], ["a/./b"], [".."], ["."], ["a/"], ["a\0b"]])(
  "%j cannot leave the folder that the archive is unpacked into",
  ([key = ""]) => {
    for (const member of [objectMember("b", key), objectMember("b", key, ".."), metadataMember("b", key), pageMember(["logs", key], 1, "json")])
      expect(member.split("/").every((name) => name !== "" && name !== "." && name !== ".." && !name.includes("\0"))).toBe(true);
  },
);

test.for([["a\nb"], ["a\u001b[2Jb"], ["a\u202egz.gol"], ["a\\..\\b"]])("%j stands encoded, so that manifest and archive name it alike", ([key = ""]) => {
  for (const member of [objectMember("b", key), objectMember("b", key, "v"), metadataMember("b", key)]) {
    expect(printable(member)).toBe(member);
    expect(member).not.toContain("\\");
  }
});

test("two objects never have one name", () => {
  const name = fc.tuple(fc.constantFrom("b", "bb"), fc.stringMatching(/^[a./%0-9EF]{1,6}$/), fc.constantFrom(null, "v", "..", "a"));
  fc.assert(
    fc.property(name, name, (one, two) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(two));
      expect(objectMember(...one)).not.toBe(objectMember(...two));
    }),
    { numRuns: 20_000 },
  );
});
