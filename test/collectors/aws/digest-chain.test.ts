import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { gapOfLine } from "../../../collectors/aws/digests/gap.ts";
import type { ChainOrder, ChainReader } from "../../../collectors/aws/digests/order.ts";
import { linesOf, orderOf, readerOf, summaryOf, troubles } from "./chain-reading.ts";
import { type ChainObject, type DigestChain, digestChain, noLink, publicKeysOf, signDigest, signingKey } from "./digest-chains.ts";
import { bodyOf, nameOf, objectAt, put, remove } from "./digest-edits.ts";

const [key, other] = [signingKey(), signingKey()];
const intact = (): DigestChain => digestChain({ key, digests: 5, logs: 2, seed: "chain" });

async function validate(chain: DigestChain, order: Partial<ChainOrder> = {}, reader: Partial<ChainReader> = {}): Promise<readonly string[]> {
  const full = orderOf(chain, order);
  const lines = await linesOf(full, readerOf(chain.objects, chain.publicKeys, full, reader));
  const found = troubles(lines);
  const summary = summaryOf(lines);
  // A restart alone leaves nothing open; everything else keeps the summary from being `valid`, and is a gap.
  expect(summary.verdict === "valid").toBe(found.every((line) => line.startsWith("restart")));
  expect(lines.filter((line) => gapOfLine(line) !== null)).toHaveLength(found.filter((line) => !line.startsWith("restart")).length);
  return found;
}

test("an intact chain is valid, with each file by its name and the whole window covered", async () => {
  const chain = intact();
  const order = orderOf(chain);
  const lines = await linesOf(order, readerOf(chain.objects, chain.publicKeys, order));
  expect(summaryOf(lines)).toMatchObject({ verdict: "valid", covered: order.window, digests: { valid: 5 }, logs: { valid: 10 }, uncovered: 0, restarts: 0 });
  const named = lines.flatMap((line) => (line.kind === "digest" || line.kind === "log" ? [line.key] : []));
  expect(named.sort()).toEqual([...chain.digestKeys, ...chain.logKeys].sort());
});

test("hours in which nothing was delivered have digests without log files, and are valid", async () => {
  expect(await validate(digestChain({ key, digests: 3, logs: 0, seed: "quiet" }))).toEqual([]);
});

test.for<readonly [string, (chain: DigestChain) => void, (chain: DigestChain) => readonly string[]]>([
  [
    "the oldest digest is deleted",
    (c) => remove(c, c.digestKeys[0]),
    (c) => [`digest missing ${nameOf(c.digestKeys[0])}`, "uncovered oldest 00:00-01:00", ...unnamed(c, 0)],
  ],
  ["the newest digest is deleted", (c) => remove(c, c.digestKeys[4]), (c) => ["uncovered newest 04:00-05:00", ...unnamed(c, 4)]],
  [
    "a digest is deleted",
    (c) => remove(c, c.digestKeys[2]),
    (c) => [`digest missing ${nameOf(c.digestKeys[2])}`, "uncovered hole 02:00-03:00", ...unnamed(c, 2)],
  ],
  ["a log file is deleted", (c) => remove(c, c.logKeys[3]), (c) => [`log missing ${nameOf(c.logKeys[3])}`]],
  [
    "a log file is put elsewhere under the trail",
    (c) => {
      const log = remove(c, c.logKeys[3]);
      put(c, { ...log, key: log.key.replace("/2026/11/01/", "/2026/11/02/") });
    },
    (c) => [`log missing ${nameOf(c.logKeys[3])}`, `log moved ${nameOf(c.logKeys[3])}`],
  ],
  [
    "a log file is added",
    (c) => put(c, { ...objectAt(c, c.logKeys[3]), key: `${c.logKeys[3]?.slice(0, -24)}0000000000000000.json.gz` }),
    (c) => [`log added ${nameOf(c.logKeys[3])?.slice(0, -24)}0000000000000000.json.gz`],
  ],
  [
    "two log files change places",
    (c) => swap(c, c.logKeys[2], c.logKeys[7]),
    (c) => [`log altered ${nameOf(c.logKeys[7])}`, `log altered ${nameOf(c.logKeys[2])}`],
  ],
  [
    "two digests change places",
    (c) => swap(c, c.digestKeys[1], c.digestKeys[2]),
    (c) => [
      `digest moved ${nameOf(c.digestKeys[2])}`,
      `digest moved ${nameOf(c.digestKeys[1])}`,
      "uncovered hole 01:00-03:00",
      ...unnamed(c, 1),
      ...unnamed(c, 2),
    ],
  ],
  [
    "a copy of a digest lies under a time of its own",
    (c) => put(c, { ...objectAt(c, c.digestKeys[2]), key: `${c.digestKeys[2]}`.replace("T030000Z", "T023000Z") }),
    (c) => [`digest moved ${nameOf(c.digestKeys[2])?.replace("T030000Z", "T023000Z")}`],
  ],
  [
    "a digest that CloudTrail signed lies beside the chain",
    (c) => {
      const body = { ...bodyOf(c, c.digestKeys[2]), ...noLink };
      put(c, signDigest({ ...body, digestEndTime: "2026-11-01T02:30:00Z", digestS3Object: `${c.digestKeys[2]}`.replace("T030000Z", "T023000Z") }, key).object);
    },
    (c) => [`digest forked ${nameOf(c.digestKeys[2])?.replace("T030000Z", "T023000Z")}`],
  ],
  [
    "the newest digests say that the chain begins with them, though one of another content was signed",
    (c) => put(c, signDigest({ ...bodyOf(c, c.digestKeys[3]), ...noLink }, key).object),
    (c) => [`digest relinked ${nameOf(c.digestKeys[3])}`, `restart ${nameOf(c.digestKeys[3])}`],
  ],
  [
    "a digest links to one of another trail",
    (c) => {
      const foreign = digestChain({ key, digests: 1, logs: 0, seed: "f", trail: "other-trail", start: "2026-11-01T03:00:00Z" });
      const signed = signDigest(bodyOf(foreign, foreign.digestKeys[0]), key);
      put(c, signed.object);
      put(c, signDigest({ ...bodyOf(c, c.digestKeys[4]), ...signed.link }, key).object);
    },
    // Behind a link that cannot be believed the walk goes on at the next digest that is listed.
    () => ["digest foreign 111122223333_CloudTrail-Digest_eu-west-1_other-trail_eu-west-1_20261101T040000Z.json.gz"],
  ],
  [
    "a digest is of another account by its own word",
    (c) => put(c, signDigest({ ...bodyOf(c, c.digestKeys[4]), awsAccountId: "999999999999" }, key).object),
    (c) => [`digest foreign ${nameOf(c.digestKeys[4])}`, "uncovered newest 04:00-05:00", ...unnamed(c, 4)],
  ],
])("%s: named", async ([, damage, expected]) => {
  const chain = intact();
  damage(chain);
  expect((await validate(chain)).toSorted()).toEqual(expected(chain).toSorted());
});

test("a trail that was stopped and started is named, and the time between is a gap of its own kind", async () => {
  const stopped = digestChain({ key, digests: 4, logs: 1, seed: "stop", restart: { at: 2, hours: 3 } });
  expect(await validate(stopped)).toEqual([`restart ${nameOf(stopped.digestKeys[2])}`, "uncovered restart 02:00-05:00"]);
  const at = orderOf(stopped);
  const lines = await linesOf(at, readerOf(stopped.objects, stopped.publicKeys, at));
  expect(lines.map(gapOfLine).filter((gap) => gap !== null)).toMatchObject([
    { outcome: "source-disabled", what: expect.stringContaining("T02:00:00.000Z to ") },
  ]);
  expect(await validate(digestChain({ key, digests: 4, logs: 1, seed: "at once", restart: { at: 2, hours: 0 } }))).toHaveLength(1);
});

test("no digest at all leaves the whole window uncovered", async () => {
  const chain = intact();
  for (const name of chain.digestKeys) remove(chain, name);
  expect((await validate(chain))[0]).toBe("uncovered all 00:00-05:00");
});

test("a digest that was not due when the bucket was listed is a gap, said to be perhaps not delivered yet", async () => {
  const chain = intact();
  const order = orderOf({ ...chain, until: "2026-11-01T06:00:00Z" }, { listedAt: "2026-11-01T06:10:00.000Z" });
  const lines = await linesOf(order, readerOf(chain.objects, chain.publicKeys, order));
  expect(lines.find((line) => line.kind === "uncovered")?.text).toMatch(/not have been delivered yet/);
});

test("the digest after the window is read for its link, and its log files are not asked for", async () => {
  const chain = intact();
  const logs: string[] = [];
  const reader = readerOf(chain.objects, chain.publicKeys, orderOf(chain));
  const log: ChainReader["log"] = (place, signal) => {
    logs.push(place.key);
    return reader.log(place, signal);
  };
  put(chain, signDigest({ ...bodyOf(chain, chain.digestKeys[2]), logFiles: [] }, key).object);
  const window = { until: "2026-11-01T02:59:59Z", since: "2026-11-01T01:00:01Z" };
  expect(await validate({ ...chain, ...window }, {}, { log })).toContain(`digest relinked ${nameOf(chain.digestKeys[2])}`);
  expect(logs).toEqual(chain.logKeys.slice(2, 4));
});

test("what may not be read is unverifiable, not valid and not altered", async () => {
  const chain = intact();
  const order = orderOf(chain);
  const denied = { digest: chain.digestKeys[1], log: chain.logKeys[9] };
  const plain = readerOf(chain.objects, chain.publicKeys, order);
  const reader: ChainReader = {
    ...plain,
    digest: (place, signal) => (place.key === denied.digest ? Promise.resolve({ kind: "denied", reason: "AccessDenied" }) : plain.digest(place, signal)),
    log: (place, signal) => (place.key === denied.log ? Promise.resolve({ kind: "denied", reason: "AccessDenied" }) : plain.log(place, signal)),
  };
  const lines = await linesOf(order, reader);
  expect(summaryOf(lines)).toMatchObject({
    verdict: "unverifiable",
    digests: { valid: 4, unverifiable: 1 },
    logs: { valid: 7, unverifiable: 1 },
    unnamed: { uncovered: 2 },
  });
  expect(lines.map(gapOfLine).filter((gap) => gap?.outcome === "denied")).toHaveLength(2);
});

test.for([
  ["is not saved", publicKeysOf([other], 0, 4e9), "key-unknown"],
  ["was no longer valid", publicKeysOf([key], 0, Date.parse("2026-10-31T00:00:00Z") / 1000), "key-out-of-time"],
  ["was not yet valid", publicKeysOf([key], Date.parse("2026-11-02T00:00:00Z") / 1000, 4e9), "key-out-of-time"],
  ["is too short to trust", publicKeysOf([{ ...signingKey(1024), fingerprint: key.fingerprint }], 0, 4e9), "key-unusable"],
  ["is no key", publicKeysOf([{ ...key, pkcs1: Buffer.from("none") }], 0, 4e9), "key-unusable"],
] as const)("a digest whose key %s is unverifiable", async ([, publicKeys, verdict]) => {
  const chain = { ...intact(), publicKeys };
  const found = await validate(chain);
  expect(found.filter((line) => line.startsWith("digest"))).toEqual(chain.digestKeys.toReversed().map((name) => `digest ${verdict} ${nameOf(name)}`));
  expect(found.filter((line) => line.startsWith("log"))).toHaveLength(10);
});

test("a signature whose metadata was lost is invalid, and said to be vouched for by the digest after it", async () => {
  const chain = intact();
  put(chain, { ...objectAt(chain, chain.digestKeys[2]), metadata: {} });
  const order = orderOf(chain);
  const lines = await linesOf(order, readerOf(chain.objects, chain.publicKeys, order));
  expect(lines).toContainEqual(
    expect.objectContaining({ key: chain.digestKeys[2], verdict: "no-signature", text: expect.stringMatching(/content is what the digest after it names/) }),
  );
});

test("a signature in capitals is not the signature", async () => {
  const chain = intact();
  const digest = objectAt(chain, chain.digestKeys[2]);
  put(chain, { ...digest, metadata: { ...digest.metadata, signature: digest.metadata["signature"]?.toUpperCase() ?? "" } });
  expect(await validate(chain)).toContain(`digest bad-signature ${nameOf(chain.digestKeys[2])}`);
});

test("a log file or a digest that unpacks beyond the limit is unverifiable, and memory stays flat", async () => {
  const chain = intact();
  const bomb: ChainObject = { ...objectAt(chain, chain.logKeys[0]), bytes: gzipSync(Buffer.alloc(256 << 20)) };
  put(chain, bomb);
  const before = process.memoryUsage().rss;
  expect(await validate(chain, { limits: { digestBytes: 1 << 20, logBytes: 200 << 20 } })).toEqual([`log too-large ${nameOf(bomb.key)}`]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
  expect((await validate(intact(), { limits: { digestBytes: 700, logBytes: 1 << 20 } })).filter((line) => line.startsWith("digest too-large"))).toHaveLength(5);
});

/** The log files of a digest that is not there: no valid digest covers their time. */
function unnamed(chain: DigestChain, digest: number): readonly string[] {
  return chain.logKeys.slice(digest * 2, digest * 2 + 2).map((name) => `log uncovered ${nameOf(name)}`);
}

function swap(chain: DigestChain, a: string | undefined, b: string | undefined): void {
  const [one, two] = [objectAt(chain, a), objectAt(chain, b)];
  put(chain, { ...two, key: one.key });
  put(chain, { ...one, key: two.key });
}
