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

// NAME_MAX of Linux's file systems, and of APFS and NTFS: 255.
test("however long a key is, even encoded, a file system has room for every part of its name", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a.ü€/%]{1,6}$/), fc.integer({ min: 1, max: 1024 }), fc.constantFrom(null, "v".repeat(1024)), (seed, length, version) => {
      const key = seed.repeat(length).slice(0, length);
      for (const member of [objectMember("b", key, version), metadataMember("b", key), pageMember(["logs", key], 1, "json")]) {
        const names = member.split("/");
        expect(names.every((name) => Buffer.byteLength(name) <= 255 && name !== "" && name !== "." && name !== "..")).toBe(true);
      }
    }),
  );
});

test("long keys that differ only at their end, or where a folder of one ends, have two names", () => {
  const long = "\n".repeat(400);
  const members = [long, `${long}\n`, `${long}/`, `${long}.`, `${long}..`, long.slice(0, 80), `${long.slice(0, 79)}\r`].flatMap((key) => [
    objectMember("b", key),
    objectMember("b", key, "v"),
  ]);
  expect(new Set(members).size).toBe(members.length);
  for (const one of members) for (const other of members) expect(other.startsWith(`${one}/`)).toBe(false);
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
