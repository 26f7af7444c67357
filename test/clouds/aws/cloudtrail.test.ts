import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  ListPublicKeysCommand,
  ListTagsCommand,
  LookupEventsCommand,
  type LookupEventsCommandInput,
} from "@aws-sdk/client-cloudtrail";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { cloudTrailService } from "./cloudtrail.ts";
import { antiForensics, type CloudTrailWorld, cloudTrailWorld, type Trail, trailEvent } from "./cloudtrail-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { signingKey } from "./trail-bucket.ts";

const account = "111122223333";
const region = "eu-west-1";
const key = userKey(account, "collector");
const hour = 3_600_000;
const now = new Date("2026-11-24T12:00:00.000Z");
const ago = (hours: number): Date => new Date(now.getTime() - hours * hour);
const trail: Trail = {
  name: "main",
  arn: `arn:aws:cloudtrail:us-east-1:${account}:trail/main`,
  account,
  region: "us-east-1",
  multiRegion: true,
  members: [],
  bucket: "trail-bucket",
  validation: true,
  selectors: { kind: "advanced", selectors: [{ Name: "all", FieldSelectors: [{ Field: "eventCategory", Equals: ["Management"] }] }] },
  logging: false,
  started: ago(1000),
  stopped: ago(2),
  tags: { owner: "security" },
};
let world: CloudTrailWorld;
let fake: AwsFake;
let cloudtrail: CloudTrailClient;

beforeEach(async () => {
  world = cloudTrailWorld();
  world.lookupsPerSecond = 10_000;
  world.trails.push(trail);
  for (let i = 0; i < 120; i += 1)
    world.events.push(trailEvent({ account, region, name: "DescribeInstances", source: "ec2.amazonaws.com", time: ago(10 + i / 100), user: "alice" }));
  world.events.push(...antiForensics(account, region, ago(3), { trail: "main", bucket: "trail-bucket" }));
  fake = await openAwsFake({ keys: makeKeyRing([key]), services: [cloudTrailService(world)], clock: () => now });
  cloudtrail = new CloudTrailClient({ endpoint: fake.url, region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

async function pages(input: LookupEventsCommandInput = {}): Promise<readonly (readonly string[])[]> {
  const made: string[][] = [];
  for (let NextToken: string | undefined, more = true; more; more = NextToken !== undefined) {
    const answer = await cloudtrail.send(new LookupEventsCommand({ ...input, NextToken }));
    made.push((answer.Events ?? []).map(({ EventName }) => EventName ?? ""));
    NextToken = answer.NextToken;
  }
  return made;
}

describe("LookupEvents", () => {
  test("50 a page, newest first, and empty pages go on", async () => {
    world.emptyPages = 1;
    const found = await pages();
    expect(found.map((page) => page.length)).toEqual([0, 50, 0, 50, 0, 30]);
    expect(found.flat()[0]).toBe("PutRetentionPolicy");
  });
  test("one attribute and the window; what makes logs stop is found", async () => {
    expect(await pages({ LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "StopLogging" }] })).toEqual([["StopLogging"]]);
    expect((await pages({ StartTime: ago(3), EndTime: ago(2.5) })).flat().sort()).toEqual([
      "DeleteBucketPolicy",
      "DeleteFlowLogs",
      "DeleteLogGroup",
      "DeleteTrail",
      "PutBucketLifecycle",
      "PutBucketPolicy",
      "PutEventSelectors",
      "PutRetentionPolicy",
      "StopLogging",
      "UpdateTrail",
    ]);
    const two = [{ AttributeKey: "EventName", AttributeValue: "a" } as const, { AttributeKey: "Username", AttributeValue: "b" } as const];
    await expect(cloudtrail.send(new LookupEventsCommand({ LookupAttributes: two }))).rejects.toMatchObject({ name: "InvalidLookupAttributesException" });
    await expect(cloudtrail.send(new LookupEventsCommand({ NextToken: "bogus" }))).rejects.toMatchObject({ name: "InvalidNextTokenException" });
  });
  test("nothing older than 90 days, nothing of another Region, nothing that has not come yet", async () => {
    world.events.length = 0;
    const given = { account, region, name: "DeleteTrail", source: "cloudtrail.amazonaws.com" };
    world.events.push(
      trailEvent({ ...given, time: ago(91 * 24) }),
      trailEvent({ ...given, region: "us-east-1", time: ago(1) }),
      trailEvent({ ...given, time: ago(0.1), visibleFrom: ago(-0.1) }),
    );
    expect(await pages()).toEqual([[]]);
  });
  test("the third request of a second is throttled", async () => {
    world.lookupsPerSecond = 2;
    const codes = await Promise.all(
      Array.from({ length: 4 }, () =>
        cloudtrail.send(new LookupEventsCommand({})).then(
          () => "ok",
          (error: unknown) => (error instanceof Error ? error.name : ""),
        ),
      ),
    );
    expect(codes.sort()).toEqual(["ThrottlingException", "ThrottlingException", "ok", "ok"]);
  });
});

test("a trail of another Region is a shadow, known by its ARN", async () => {
  expect((await cloudtrail.send(new DescribeTrailsCommand({ includeShadowTrails: true }))).trailList?.map(({ HomeRegion }) => HomeRegion)).toEqual([
    "us-east-1",
  ]);
  expect((await cloudtrail.send(new DescribeTrailsCommand({ includeShadowTrails: false }))).trailList).toEqual([]);
  expect((await cloudtrail.send(new GetTrailCommand({ Name: trail.arn }))).Trail?.S3BucketName).toBe("trail-bucket");
  await expect(cloudtrail.send(new GetTrailCommand({ Name: "main" }))).rejects.toMatchObject({ name: "TrailNotFoundException" });
  expect(await cloudtrail.send(new GetTrailStatusCommand({ Name: trail.arn }))).toMatchObject({ IsLogging: false, StopLoggingTime: ago(2) });
  expect((await cloudtrail.send(new GetEventSelectorsCommand({ TrailName: trail.arn }))).AdvancedEventSelectors).toHaveLength(1);
  expect((await cloudtrail.send(new ListTagsCommand({ ResourceIdList: [trail.arn] }))).ResourceTagList?.[0]?.TagsList).toEqual([
    { Key: "owner", Value: "security" },
  ]);
});

test("public keys of a window, over pages", async () => {
  world.keysAPage = 1;
  for (const [from, until] of [
    [100, 50],
    [50, -50],
    [-60, -100],
  ] as const) {
    const { fingerprint, der } = signingKey();
    world.publicKeys.push({ region, fingerprint, der, validFrom: ago(from), validUntil: ago(until) });
  }
  const window = { StartTime: ago(60), EndTime: now };
  const first = await cloudtrail.send(new ListPublicKeysCommand(window));
  const second = await cloudtrail.send(new ListPublicKeysCommand({ ...window, NextToken: first.NextToken }));
  const found = [...(first.PublicKeyList ?? []), ...(second.PublicKeyList ?? [])];
  expect(found.map(({ Fingerprint }) => Fingerprint)).toEqual(world.publicKeys.slice(0, 2).map(({ fingerprint }) => fingerprint));
  expect(found.map(({ Value }) => Buffer.from(Value ?? []).equals(world.publicKeys[0]?.der ?? Buffer.of()))).toEqual([true, false]);
  expect((await cloudtrail.send(new ListPublicKeysCommand({}))).PublicKeyList).toHaveLength(1);
});
