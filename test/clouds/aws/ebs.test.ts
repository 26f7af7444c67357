import { createHash } from "node:crypto";
import { EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand, type ListSnapshotBlocksCommandOutput } from "@aws-sdk/client-ebs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { noise } from "../../stream/sources.ts";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { ebsService } from "./ebs.ts";
import { type EbsWorld, ebsWorld, type SnapshotFound } from "./ebs-world.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { generatedContent } from "./volume-content.ts";

const account = "111122223333";
const second = "444455556666";
const key = userKey(account, "collector");
const other = userKey(second, "collector");
const id = "snap-0123456789abcdef0";
const twin = "snap-0123456789abcdef1";
const blockBytes = 524_288;
const written = Array.from({ length: 250 }, (_, i) => i * 3);
let now: Date;
let world: EbsWorld;
let fake: AwsFake;

const bytesOf = (index: number): Buffer => noise(blockBytes, index + 1);
const content = generatedContent(written, bytesOf);
const whole: SnapshotFound = { kind: "blocks", content, sizeGiB: 1 };
const shelf: Record<string, SnapshotFound> = {
  [id]: whole,
  [twin]: whole,
  "snap-0aaaaaaaaaaaaaaa1": { kind: "not-ready", text: "is pending" },
  "snap-0aaaaaaaaaaaaaaa2": { kind: "denied", reason: "DEPENDENCY_ACCESS_DENIED" },
};

beforeEach(async () => {
  now = new Date("2026-11-24T06:00:00.000Z");
  world = ebsWorld((of, region, asked) => {
    if (region !== "eu-west-1") return { kind: "missing" };
    return of === account ? (shelf[asked] ?? { kind: "missing" }) : { kind: "denied", reason: "UNAUTHORIZED_ACCOUNT" };
  });
  fake = await openAwsFake({ services: [ebsService(world)], keys: makeKeyRing([key, other]), clock: () => now });
});
afterEach(async () => {
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
  await fake.close();
});

function client(credentials = key): EBSClient {
  return new EBSClient({ endpoint: fake.url, region: "eu-west-1", credentials, maxAttempts: 1 });
}

function list(more: { MaxResults?: number; NextToken?: string; StartingBlockIndex?: number } = {}): Promise<ListSnapshotBlocksCommandOutput> {
  return client().send(new ListSnapshotBlocksCommand({ SnapshotId: id, ...more }));
}

/** What a block's answer says of itself, and the SHA-256 of the bytes that came. */
async function get(index: number, token: string, snapshot = id): Promise<{ length: number | undefined; said: string | undefined; sum: string; bytes: number }> {
  const answer = await client().send(new GetSnapshotBlockCommand({ SnapshotId: snapshot, BlockIndex: index, BlockToken: token }));
  const bytes = (await answer.BlockData?.transformToByteArray()) ?? new Uint8Array();
  return { length: answer.DataLength, said: answer.Checksum, sum: createHash("sha256").update(bytes).digest("base64"), bytes: bytes.length };
}

async function tokenOf(index: number): Promise<string> {
  const { Blocks = [] } = await list({ StartingBlockIndex: index });
  return Blocks.find(({ BlockIndex }) => BlockIndex === index)?.BlockToken ?? "";
}

function advance(minutes: number): void {
  now = new Date(now.getTime() + minutes * 60_000);
}

test("a list names the written blocks only, in order, through short and empty pages to the end", async () => {
  world.pages = [100, 0, 0, 7];
  const found: (number | undefined)[] = [];
  const lengths: number[] = [];
  let token: string | undefined;
  do {
    const page = await list({ MaxResults: 1000, ...(token === undefined ? {} : { NextToken: token }) });
    expect([page.BlockSize, page.VolumeSize, page.ExpiryTime]).toEqual([blockBytes, 1, new Date("2026-12-01T06:00:00.000Z")]);
    found.push(...(page.Blocks ?? []).map(({ BlockIndex }) => BlockIndex));
    lengths.push(page.Blocks?.length ?? -1);
    token = page.NextToken;
  } while (token !== undefined);
  expect(found).toEqual(written);
  expect(lengths).toEqual([100, 0, 0, 7, 100, 0, 0, 7, 36]);
});

test("a list begins at the block that is asked for or the next written one, and past the last it is empty", async () => {
  expect((await list({ StartingBlockIndex: 4 })).Blocks?.[0]?.BlockIndex).toBe(6);
  expect(await list({ StartingBlockIndex: 748 })).toMatchObject({ Blocks: [], VolumeSize: 1 });
  const first = await list({ MaxResults: 100 });
  const next = await list({ NextToken: first.NextToken ?? "", StartingBlockIndex: 0 });
  expect(next.Blocks?.[0]?.BlockIndex).toBe(300);
  await expect(list({ MaxResults: 99 })).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_PARAMETER_VALUE" });
});

test("a block is its bytes, their SHA-256 and their length", async () => {
  const sum = createHash("sha256").update(bytesOf(9)).digest("base64");
  expect(await get(9, await tokenOf(9))).toEqual({ length: blockBytes, said: sum, sum, bytes: blockBytes });
});

test("tokens are new with every list, and each is good for its block and its snapshot only", async () => {
  const [token, again] = [await tokenOf(9), await tokenOf(9)];
  expect(token).not.toBe(again);
  expect((await get(9, token)).sum).toBe((await get(9, again)).sum);
  const no = { name: "ValidationException", Reason: "INVALID_BLOCK_TOKEN" };
  await expect(get(12, token)).rejects.toMatchObject(no);
  await expect(get(9, token, twin)).rejects.toMatchObject(no);
  await expect(get(9, "AAAA")).rejects.toMatchObject(no);
  const page = (await list({ MaxResults: 100 })).NextToken ?? "";
  await expect(get(9, page)).rejects.toMatchObject(no);
  await expect(client().send(new ListSnapshotBlocksCommand({ SnapshotId: twin, NextToken: page }))).rejects.toMatchObject({ Reason: "INVALID_PAGE_TOKEN" });
  await expect(list({ NextToken: token })).rejects.toMatchObject({ Reason: "INVALID_PAGE_TOKEN" });
});

test("a page token lives for 60 minutes and a block token for 7 days, by the server's clock", async () => {
  const page = (await list({ MaxResults: 100 })).NextToken ?? "";
  const token = await tokenOf(9);
  advance(60);
  expect((await list({ NextToken: page })).Blocks?.[0]?.BlockIndex).toBe(300);
  advance(1);
  await expect(list({ NextToken: page })).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_PAGE_TOKEN" });
  advance(7 * 24 * 60 - 61);
  expect((await get(9, token)).bytes).toBe(blockBytes);
  advance(1);
  await expect(get(9, token)).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_BLOCK_TOKEN" });
});

test("tokens can end before their time, and those of a new list are taken", async () => {
  const token = await tokenOf(9);
  world.expired.blocks = now;
  await expect(get(9, token)).rejects.toMatchObject({ Reason: "INVALID_BLOCK_TOKEN" });
  now = new Date(now.getTime() + 1);
  expect((await get(9, await tokenOf(9))).bytes).toBe(blockBytes);
});

test("what cannot be read is refused by its reason", async () => {
  const ask = (SnapshotId: string, who = key): Promise<unknown> => client(who).send(new ListSnapshotBlocksCommand({ SnapshotId }));
  await expect(ask("snap-0bbbbbbbbbbbbbbbb")).rejects.toMatchObject({ name: "ResourceNotFoundException", Reason: "SNAPSHOT_NOT_FOUND" });
  await expect(ask("snap-0aaaaaaaaaaaaaaa1")).rejects.toMatchObject({ name: "ValidationException", Reason: "INVALID_SNAPSHOT_ID" });
  await expect(ask("snap-0aaaaaaaaaaaaaaa2")).rejects.toMatchObject({ name: "AccessDeniedException", Reason: "DEPENDENCY_ACCESS_DENIED" });
  await expect(ask(id, other)).rejects.toMatchObject({ name: "AccessDeniedException", Reason: "UNAUTHORIZED_ACCOUNT" });
});

test("a budget that is used up is refused as the account's or the snapshot's, and fills with the server's clock", async () => {
  const token = await tokenOf(9);
  world.limits = { blocks: { perSecond: 100, burst: 3 }, snapshot: { perSecond: 10, burst: 2 }, lists: { perSecond: 50, burst: 1 } };
  await get(9, token);
  await get(9, token);
  await expect(get(9, token)).rejects.toMatchObject({ name: "RequestThrottledException", Reason: "RESOURCE_LEVEL_THROTTLE" });
  await expect(get(9, token)).rejects.toMatchObject({ name: "RequestThrottledException", Reason: "ACCOUNT_THROTTLED" });
  await list();
  await expect(list()).rejects.toMatchObject({ name: "RequestThrottledException", Reason: "ACCOUNT_THROTTLED" });
  now = new Date(now.getTime() + 100);
  expect((await get(9, token)).bytes).toBe(blockBytes);
  await list();
});

test("each lie about a block is told so often as it was ordered, and can be seen", async () => {
  const token = await tokenOf(9);
  const good = createHash("sha256").update(bytesOf(9)).digest("base64");
  const told = async (kind: EbsWorld["lies"][number]["kind"]): Promise<Awaited<ReturnType<typeof get>>> => {
    world.lies.push({ index: 9, kind, times: 1 });
    return get(9, token);
  };
  const checksum = await told("wrong-checksum");
  expect([checksum.sum, checksum.said === good]).toEqual([good, false]);
  expect((await told("no-checksum")).said).toBeUndefined();
  expect((await told("wrong-length")).length).toBe(blockBytes / 2);
  const flipped = await told("flipped-byte");
  expect([flipped.said, flipped.sum === good]).toEqual([good, false]);
  expect(await told("short-body")).toMatchObject({ length: blockBytes, bytes: blockBytes / 2 });
  fake.faults.add({ on: "ebs:GetSnapshotBlock", does: { kind: "cut-answer", bytes: 1000 } });
  await expect(get(9, token)).rejects.toThrow();
  expect(await get(9, token)).toEqual({ length: blockBytes, said: good, sum: good, bytes: blockBytes });
});
