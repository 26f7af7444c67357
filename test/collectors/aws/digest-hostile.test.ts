import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDigest, parseDigestBytes } from "../../../collectors/aws/digests/file.ts";
import { parseDigestKeys } from "../../../collectors/aws/digests/keys.ts";
import { parseDigestKey, parseLogKeyTime } from "../../../collectors/aws/digests/names.ts";
import { unpackOne } from "../../../collectors/aws/digests/unpack.ts";
import { orderOf } from "./chain-reading.ts";
import { digestChain, signingKey } from "./digest-chains.ts";
import { bodyOf } from "./digest-edits.ts";

const key = signingKey();
const chain = digestChain({ key, digests: 2, logs: 1, seed: "hostile" });
const good = bodyOf(chain, chain.digestKeys[1]);
const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
console.log(`hostile digests: FC_SEED=${seed}`);

test("a digest of anything at all is a digest or a named problem, never an exception", () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...Object.keys(good)), fc.jsonValue(), (anything, field, value) => {
      expect(parseDigest(anything).kind).toBe("malformed");
      expect(["digest", "malformed"]).toContain(parseDigest({ ...good, [field]: value }).kind);
    }),
    { seed, numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(parseDigestBytes(bytes).kind).toBe("malformed");
    }),
    { seed },
  );
  expect(parseDigestBytes(Buffer.from(`${"[".repeat(1_000_000)}`)).kind).toBe("malformed");
  expect(parseDigestBytes(Buffer.from(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`)).kind).toBe("malformed");
});

test("the whole digest of the generator is one", () => {
  expect(parseDigest(good)).toMatchObject({ kind: "digest", digest: { account: "111122223333", place: { key: chain.digestKeys[1] }, logs: [{}] } });
});

test.for([
  ["awsAccountId", "1", "awsAccountId is not of its form"],
  ["digestEndTime", "2026-02-30T00:00:00Z", "digestStartTime is not before digestEndTime"],
  ["digestEndTime", undefined, "digestEndTime is missing"],
  ["digestEndTime", "2026-11-01T00:00:00Z\nx", "digestEndTime is not of its form"],
  ["digestS3Bucket", "a/b/c", "digestS3Bucket is not of its form"],
  ["digestS3Object", "a\nb", "digestS3Object is not of its form"],
  ["digestSignatureAlgorithm", "SHA1withRSA", "digestSignatureAlgorithm is not of its form"],
  ["previousDigestSignature", "null", "previousDigestSignature is not of its form"],
  [
    "previousDigestHashValue",
    null,
    "only previousDigestS3Bucket, previousDigestS3Object, previousDigestHashAlgorithm, previousDigestSignature of the previousDigest fields are there",
  ],
  ["previousDigestHashAlgorithm", "MD5", "previousDigestHashAlgorithm is not of its form"],
  ["logFiles", null, "logFiles is not a list"],
  ["logFiles", [{}], "logFiles[0].hashAlgorithm is missing"],
  ["logFiles", [7], "logFiles[0] is not a JSON object"],
] as const)("a digest with %s %j is named for it", ([field, value, why]) => {
  expect(parseDigest({ ...good, [field]: value })).toEqual({ kind: "malformed", why });
});

test("names of other trails, accounts, regions and organizations are not of this chain, however alike", () => {
  const order = orderOf(chain);
  const name = chain.digestKeys[0] ?? "";
  expect(parseDigestKey(order, name)).toEqual({ before: "", endMs: Date.parse("2026-11-01T01:00:00Z"), backfill: false });
  expect(parseDigestKey(order, `logs/${name.replace(".json", "_backfill.json")}`)).toMatchObject({ before: "logs/", backfill: true });
  for (const alike of [
    name.replace("case-trail", "case-trail2"),
    name.replace("case-trail_eu-west-1", "case-trail_eu-west-1_eu-west-1"),
    name.replaceAll("111122223333", "111122223334"),
    name.replaceAll("eu-west-1", "eu-west-2"),
    name.replace("AWSLogs/", "AWSLogs/o-abcdefghij/"),
    name.replace("AWSLogs/", "xAWSLogs/"),
    name.replace("20261101T01", "20261101T25"),
    `${name}x`,
    "",
  ])
    expect(parseDigestKey(order, alike), alike).toBeNull();
  expect(parseDigestKey({ ...order, organization: "o-abcdefghij" }, name.replace("AWSLogs/", "AWSLogs/o-abcdefghij/"))).not.toBeNull();
  expect(parseLogKeyTime("111122223333_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz")).toBe(Date.parse("2015-08-01T02:10:00Z")); // the user guide's example
});

/** From the user guide, "Custom implementations", the sample answer of ListPublicKeys: times as text, one key that is not PKCS#1. */
test("saved keys that are not what ListPublicKeys answers are refused by field", () => {
  const item = { Fingerprint: "8eba5db5bea9b640d1c96a77256fe7f2", Value: "MIIB", ValidityStartTime: 1436317441, ValidityEndTime: "2015-08-07T00:00:00Z" };
  expect(parseDigestKeys({ PublicKeyList: [item] })).toMatchObject([{ fromMs: 1436317441000, untilMs: Date.parse("2015-08-07T00:00:00Z") }]);
  for (const [field, value] of [
    ["Value", 7],
    ["ValidityStartTime", "soon"],
    ["Fingerprint", null],
  ] as const)
    expect(() => parseDigestKeys([{ ...item, [field]: value }])).toThrow(`PublicKeyList[0].${field}`);
});

test("a source that breaks off while it is read is a breakdown, not a damaged file", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield gzipSync("x".repeat(1000)).subarray(0, 15);
    throw await Promise.resolve(new Error("connection lost"));
  }
  await expect(unpackOne(broken(), 1 << 20, () => {}, AbortSignal.timeout(10_000))).rejects.toThrow("connection lost");
});

test("a gzip file unpacks the same in pieces of any size, with names, comments and extra fields in its header", async () => {
  const plain = gzipSync("content of a log");
  const head = Buffer.concat([Buffer.of(0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3), Buffer.of(3, 0, 1, 2, 3), Buffer.from("name\0comment\0")]);
  for (const bytes of [plain, Buffer.concat([head, plain.subarray(10)])]) {
    for (const size of [1, 2, 7, bytes.length - 8, bytes.length]) {
      const out: Uint8Array[] = [];
      async function* cut(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
      }
      expect(await unpackOne(cut(), 1 << 20, (piece) => void out.push(piece), AbortSignal.timeout(10_000))).toEqual({ kind: "unpacked", bytes: 16 });
      expect(Buffer.concat(out).toString()).toBe("content of a log");
    }
  }
});
