import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
} from "@aws-sdk/client-cloudwatch-logs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { logsService } from "./logs.ts";
import { generatedGroup, listedGroup, type LogsWorld, logsWorld } from "./logs-world.ts";

const account = "111122223333";
const region = "eu-west-1";
const key = userKey(account, "collector");
const created = new Date("2026-11-01T00:00:00.000Z");
const from = new Date("2026-11-24T10:00:00.000Z");
let now: Date;
let world: LogsWorld;
let fake: AwsFake;
let logs: CloudWatchLogsClient;

beforeEach(async () => {
  now = new Date("2026-11-24T12:00:00.000Z");
  const named = { account, region, created };
  const t = from.getTime();
  world = logsWorld([
    listedGroup({ ...named, name: "app" }, [
      { stream: "eni-b", time: t + 1000, message: "second" },
      { stream: "eni-a", time: t, message: "first login" },
      { stream: "eni-a", time: t + 2000, message: "late", arrived: now.getTime() + 600_000 },
    ]),
    generatedGroup({ ...named, name: "flow" }, 24_505, from, 100, 4),
    listedGroup(
      { ...named, name: "wide" },
      Array.from({ length: 30 }, (_, i) => ({ stream: "s", time: t + i, message: "x".repeat(100_000) })),
    ),
  ]);
  fake = await openAwsFake({ keys: makeKeyRing([key]), services: [logsService(world)], clock: () => now });
  logs = new CloudWatchLogsClient({ endpoint: fake.url, region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

async function pages(input: FilterLogEventsCommandInput): Promise<readonly (readonly string[])[]> {
  const made: string[][] = [];
  for (let nextToken: string | undefined, more = true; more; more = nextToken !== undefined) {
    const answer = await logs.send(new FilterLogEventsCommand({ ...input, nextToken }));
    made.push((answer.events ?? []).map(({ message }) => message ?? ""));
    nextToken = answer.nextToken;
  }
  return made;
}

describe("FilterLogEvents", () => {
  test("10,000 events a page, to the end", async () => {
    const events = Array.from({ length: 24_505 }, (_, i) => ({ stream: "s", time: from.getTime() + i, message: "short" }));
    world.groups.push(listedGroup({ account, region, created, name: "many" }, events));
    expect((await pages({ logGroupName: "many" })).map((page) => page.length)).toEqual([10_000, 10_000, 4505]);
  });
  test("1 MiB a page", async () => {
    expect((await pages({ logGroupName: "wide" })).map((page) => page.length)).toEqual([10, 10, 10]);
  });
  test("a prefix of the stream is honoured, by name and by ARN; the window is inclusive", async () => {
    expect(await pages({ logGroupName: "app", logStreamNamePrefix: "eni-b" })).toEqual([["second"]]);
    expect(
      await pages({ logGroupIdentifier: `arn:aws:logs:${region}:${account}:log-group:app`, startTime: from.getTime(), endTime: from.getTime() + 999 }),
    ).toEqual([["first login"]]);
    expect(await pages({ logGroupName: "app", filterPattern: "login" })).toEqual([["first login"]]);
  });
  test("an event that comes late is there once the clock has passed", async () => {
    expect(await pages({ logGroupName: "app" })).toEqual([["first login", "second"]]);
    now = new Date(now.getTime() + 600_000);
    expect(await pages({ logGroupName: "app" })).toEqual([["first login", "second", "late"]]);
  });
  test("pages may be empty or short and go on", async () => {
    world.emptyPages = 2;
    world.scanned = 2;
    expect(await pages({ logGroupName: "app" })).toEqual([[], [], ["first login", "second"], [], [], []]);
  });
  test("a bogus token, one of another request and one of yesterday are refused", async () => {
    const first = await logs.send(new FilterLogEventsCommand({ logGroupName: "flow", limit: 1 }));
    const refused = { name: "InvalidParameterException" };
    await expect(logs.send(new FilterLogEventsCommand({ logGroupName: "flow", nextToken: "bogus" }))).rejects.toMatchObject(refused);
    await expect(logs.send(new FilterLogEventsCommand({ logGroupName: "wide", limit: 1, nextToken: first.nextToken }))).rejects.toMatchObject(refused);
    now = new Date(now.getTime() + 86_400_001);
    await expect(logs.send(new FilterLogEventsCommand({ logGroupName: "flow", limit: 1, nextToken: first.nextToken }))).rejects.toMatchObject(refused);
  });
  test("a group that is not there is named", async () => {
    await expect(logs.send(new FilterLogEventsCommand({ logGroupName: "none" }))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  });
  test("of a million events any page costs the same", async () => {
    world.groups.push(generatedGroup({ account, region, created, name: "million" }, 1_000_000, from, 1, 8));
    const last = await logs.send(new FilterLogEventsCommand({ logGroupName: "million", startTime: from.getTime() + 999_999 }));
    expect([last.events?.length, last.nextToken]).toEqual([1, undefined]);
  });
});

test("groups and streams are listed over pages", async () => {
  const first = await logs.send(new DescribeLogGroupsCommand({ limit: 2 }));
  const second = await logs.send(new DescribeLogGroupsCommand({ limit: 2, nextToken: first.nextToken }));
  expect([...(first.logGroups ?? []), ...(second.logGroups ?? [])].map(({ logGroupName }) => logGroupName)).toEqual(["app", "flow", "wide"]);
  const streams = await logs.send(new DescribeLogStreamsCommand({ logGroupName: "app", logStreamNamePrefix: "eni-" }));
  expect(streams.logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(["eni-a", "eni-b"]);
});
