import { generateKeyPairSync, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { linuxPlaces } from "../../../collectors/aws/memory/guest.ts";
import { linkMeasures, needsLinks } from "../../../collectors/aws/memory/links.ts";
import { memoryPartSize } from "../../../collectors/aws/memory/part-size.ts";
import { memoryScript } from "../../../collectors/aws/memory/script.ts";
import { sealedTickets, ticketText } from "../../../collectors/aws/memory/tickets.ts";
import { windowsMemoryScript } from "../../../collectors/aws/memory/windows-script.ts";

const gibibyte = 2 ** 30;

test.for([0.5, 4, 64, 128, 1024, 12 * 1024, 24 * 1024])("%d GiB of memory that packs to nothing smaller fit into 10,000 parts that S3 takes", (size) => {
  const memory = size * gibibyte;
  const partSize = memoryPartSize(memory);
  // Snappy framing format §2 and §4: a chunk of at most 65,536 bytes has 4 bytes of head and 4 of checksum, a stream 10 more.
  const image = memory + Math.ceil(memory / 65_536) * 8 + 1000 * (32 + 8 + 10);
  expect(Math.ceil(image / partSize)).toBeLessThanOrEqual(10_000);
  expect(partSize % 2 ** 20).toBe(0);
  expect(partSize).toBeGreaterThanOrEqual(5 * 2 ** 20);
  expect(partSize).toBeLessThanOrEqual(5 * gibibyte);
  if (size <= 64) expect(partSize).toBe(8 * 2 ** 20);
});

test("the dump with its first batch fits into a command, whatever the vault's links are like", () => {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "der", type: "spki" });
  const credentials = "a".repeat(2500);
  const links = Array.from({ length: linkMeasures.count }, (_, index) => ({
    number: 9_700 + index,
    url: `https://evidence.s3.eu-west-1.amazonaws.com/${credentials}?partNumber=${9_700 + index}&X-Amz-Signature=${randomBytes(32).toString("hex")}`,
  }));
  const batch = sealedTickets(ticketText(links, `https://evidence.s3.eu-west-1.amazonaws.com/tool?${credentials}`), key, randomBytes);
  const token = "0".repeat(24);
  const order = { token, tool: { bytes: 1_500_000, sha256: "a".repeat(64) }, partSize: memoryPartSize(null), batch, tries: 6, patience: 1800, poll: 2 };
  const linux = memoryScript({ ...order, directory: `/dev/shm/holdfast-memory-${token}`, http: "python3", places: linuxPlaces });
  for (const script of [linux, windowsMemoryScript(order)])
    expect(Buffer.byteLength(JSON.stringify({ commands: [script], executionTimeout: ["172800"] }))).toBeLessThan(60_000);
});

test("links are renewed when few are left or the youngest grow old, and not after the last part", () => {
  const lapse = { from: "2026-11-24T12:00:00.000Z", until: "2026-11-24T12:30:00Z" };
  const at = (minutes: number): Date => new Date(Date.parse(lapse.from) + minutes * 60_000);
  const measures = { count: 300, seconds: 1800 };
  expect(needsLinks({ arrived: 100, issued: 300, lapse }, measures, at(1))).toBe(false);
  expect(needsLinks({ arrived: 150, issued: 300, lapse }, measures, at(1))).toBe(true);
  expect(needsLinks({ arrived: 100, issued: 300, lapse }, measures, at(21))).toBe(true);
  expect(needsLinks({ arrived: 9_999, issued: 10_000, lapse }, measures, at(1))).toBe(false);
  expect(needsLinks({ arrived: 10_000, issued: 10_000, lapse }, measures, at(25))).toBe(false);
});
