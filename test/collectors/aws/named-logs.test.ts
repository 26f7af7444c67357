import { expect, test } from "vitest";
import { namedLogs } from "../../../collectors/aws/digests/named-logs.ts";

const place = (n: number): { readonly bucket: string; readonly key: string } => ({
  bucket: "trail-bucket",
  key: `AWSLogs/1/CloudTrail/eu-west-1/${n}.json.gz`,
});

test("every log file that was named is known, none that was not, and 200,000 of them take a few bytes each", () => {
  const named = namedLogs();
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 200_000; n += 1) named.add(place(n));
  for (let n = 0; n < 1000; n += 1) named.add(place(n)); // a file that two digests name
  // Twice the table while it grows; garbage of the hashing may still lie about.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
  expect(Array.from({ length: 200_000 }, (_, n) => named.has(place(n))).every((has) => has)).toBe(true);
  expect(Array.from({ length: 50_000 }, (_, n) => named.has(place(200_000 + n))).some((has) => has)).toBe(false);
  expect(named.has({ bucket: "other-bucket", key: place(1).key })).toBe(false);
});

test("a missing log file is recognised by its name wherever it turns up", () => {
  const named = namedLogs();
  const log = { place: place(7), sha256: "0".repeat(64) };
  named.miss(log);
  expect([named.missedAs("moved/to/7.json.gz"), named.missedAs("8.json.gz")]).toEqual([log, null]);
});
