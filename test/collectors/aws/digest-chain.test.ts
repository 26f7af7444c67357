import { describe, expect, test } from "vitest";
import { digestSpan, validateChain } from "../../../collectors/aws/digest-chain.ts";
import { gapOfLine } from "../../../collectors/aws/digest-gap.ts";
import { parseDigestKeys } from "../../../collectors/aws/digest-keys.ts";
import { type ChainLine, standingOf } from "../../../collectors/aws/digest-line.ts";
import { type ChainReader, chainLimits, type ChainOrder, type StoredObject } from "../../../collectors/aws/digest-order.ts";
import { buildTrail, type TrailBucket } from "../../clouds/aws/trail-bucket.ts";
import { damageTrail, type TrailDamage } from "../../clouds/aws/trail-damage.ts";

const signal = new AbortController().signal;
const from = new Date("2026-11-01T00:00:00Z");
const hours = 5;

function trail(): TrailBucket {
  return buildTrail({ account: "111122223333", region: "eu-west-1", trail: "main", bucket: "trail-logs", from, hours, logsAnHour: 3 });
}

const order: ChainOrder = {
  trailArn: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main",
  account: "111122223333",
  region: "eu-west-1",
  bucket: "trail-logs",
  prefix: null,
  organization: null,
  window: { since: from.toISOString(), until: new Date(from.getTime() + hours * 3_600_000).toISOString() },
  listedAt: "2026-11-02T00:00:00.000Z",
  limits: chainLimits,
};

async function* each<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

function readerOf(bucket: TrailBucket): ChainReader {
  const found = (key: string): StoredObject => {
    const object = bucket.objects.get(key);
    return object === undefined ? { kind: "missing" } : { kind: "found", metadata: object.metadata, body: each([object.bytes]) };
  };
  const keys = (part: string): readonly string[] => [...bucket.objects.keys()].filter((key) => key.includes(part));
  const { fingerprint, der, validFrom, validUntil } = bucket.publicKey;
  return {
    digestKeys: () => each(keys("/CloudTrail-Digest/")),
    logKeys: () => each(keys("/CloudTrail/")),
    digest: ({ key }) => Promise.resolve(found(key)),
    log: ({ key }) => Promise.resolve(found(key)),
    publicKeys: parseDigestKeys([
      { Fingerprint: fingerprint, Value: der.toString("base64"), ValidityStartTime: validFrom.toISOString(), ValidityEndTime: validUntil.toISOString() },
    ]),
  };
}

async function linesOf(bucket: TrailBucket): Promise<readonly ChainLine[]> {
  return collect(validateChain(order, readerOf(bucket), signal));
}

async function collect(lines: AsyncIterable<ChainLine>): Promise<readonly ChainLine[]> {
  const all: ChainLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

function summaryOf(lines: readonly ChainLine[]): Extract<ChainLine, { kind: "summary" }> {
  const last = lines.at(-1);
  if (last?.kind !== "summary") throw new Error("the summary comes last");
  return last;
}

describe("a chain of CloudTrail digests", () => {
  test("untouched: every digest and log file is valid, and nothing is a gap", async () => {
    const lines = await linesOf(trail());
    expect(summaryOf(lines)).toMatchObject({
      verdict: "valid",
      digests: { valid: hours, invalid: 0, unverifiable: 0 },
      logs: { valid: 3 * hours, invalid: 0, unverifiable: 0 },
    });
    expect(lines.filter((line) => gapOfLine(line) !== null)).toEqual([]);
  });

  test.for<TrailDamage>([
    "deleted_log",
    "altered_log",
    "log_trailing_bytes",
    "moved_log",
    "missing_digest_middle",
    "missing_digest_newest",
    "missing_digest_oldest",
    "altered_digest",
    "wrong_key",
    "unknown_key",
    "altered_signature",
    "no_signature_metadata",
    "moved_digest",
    "relinked_digest",
  ])("%s: not valid, and the place is named as a gap", async (damage) => {
    const bucket = trail();
    const about = damageTrail(bucket, damage);
    const lines = await linesOf(bucket);
    expect(summaryOf(lines).verdict).not.toBe("valid");
    const gaps = lines.flatMap((line) => gapOfLine(line) ?? []);
    expect(gaps.length).toBeGreaterThan(0);
    // A digest that is gone at an end of the chain is named by the time that nothing covers: no other digest knows its name.
    if (!damage.startsWith("missing_digest_newest") && !damage.startsWith("missing_digest_oldest"))
      expect(gaps.map((gap) => gap.what).join("\n")).toContain(about.split("/").at(-1));
  });

  test("one changed byte of any object is never valid", async () => {
    const whole = trail();
    for (const key of whole.objects.keys()) {
      const bucket = { ...whole, objects: new Map(whole.objects) };
      const object = whole.objects.get(key);
      if (object === undefined) continue;
      const bytes = Buffer.from(object.bytes);
      const at = bytes.length >> 1;
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      bucket.objects.set(key, { ...object, bytes });
      expect(summaryOf(await linesOf(bucket)).verdict, key).not.toBe("valid");
    }
  });

  test("a log file that could not be read is unverifiable, not valid", async () => {
    const bucket = trail();
    const reader = readerOf(bucket);
    const lines = await collect(validateChain(order, { ...reader, log: () => Promise.resolve({ kind: "denied", reason: "AccessDenied" }) }, signal));
    expect(summaryOf(lines)).toMatchObject({ verdict: "unverifiable", logs: { valid: 0 } });
    expect(lines.filter((line) => line.kind === "log").every((line) => standingOf(line.verdict) === "unverifiable")).toBe(true);
  });

  test("the digest after the window is asked for too: it links to the newest", () => {
    expect(digestSpan(order.window).untilMs).toBeGreaterThan(Date.parse(order.window.until));
  });
});
