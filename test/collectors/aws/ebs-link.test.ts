import { createHash } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { openAwsLink } from "../../../collectors/aws/client/client.ts";
import { openSnapshotImage } from "../../../collectors/aws/disk-image/disk-image.ts";
import type { EbsBlocks } from "../../../collectors/aws/disk-image/ebs-blocks.ts";
import type { AwsLink } from "../../../collectors/aws/client/link.ts";
import { linkBlocks } from "../../../collectors/aws/disk-image/ebs-link.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { openPartStream } from "../../../src/stream/part-stream.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { routesOf } from "../../clouds/aws/routes.ts";
import { AwsRefusal, type Service } from "../../clouds/aws/service.ts";
import { noise, sha256, takeAll } from "../../stream/sources.ts";
import { home, useKey } from "./link-rig.ts";
import { facts, quickAccounts } from "./planted-snapshot.ts";

const never = new AbortController().signal;
const me = userKey(home, "investigator");
const written = [0, 1, 17, 300, 2047];
const blockOf = (index: number): Buffer => noise(512 * 1024, index + 1);
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** EBS direct in the vendor's names and no more; tokens begin with `t`. */
const smallEbs: Service = {
  name: "ebs",
  protocol: "rest-json",
  messageName: "Message",
  route: routesOf([
    ["GET", "/snapshots/{snapshotId}/blocks", "ListSnapshotBlocks"],
    ["GET", "/snapshots/{snapshotId}/blocks/{blockIndex}", "GetSnapshotBlock"],
  ]),
  operations: {
    ListSnapshotBlocks: ({ params }) => {
      if (params["snapshotId"] !== facts.id) throw new AwsRefusal("ResourceNotFoundException", "The snapshot does not exist.", 404);
      const from = Number(params["startingBlockIndex"] ?? params["pageToken"] ?? 0);
      const [first, ...more] = written.filter((index) => index >= from);
      const page = first === undefined ? {} : { Blocks: [{ BlockIndex: first, BlockToken: `t${first}+/=` }] };
      return {
        json: { BlockSize: 524_288, VolumeSize: 1, ExpiryTime: 1.9e9, Blocks: [], ...page, ...(more.length > 0 ? { NextToken: String(more[0]) } : {}) },
      };
    },
    GetSnapshotBlock: ({ params }) => {
      const index = Number(params["blockIndex"]);
      if (params["blockToken"] !== `t${index}+/=`) throw new AwsRefusal("ValidationException", "Invalid token.", 400, { Reason: "INVALID_BLOCK_TOKEN" });
      const bytes = blockOf(index);
      const checksum = createHash("sha256").update(bytes).digest("base64");
      return { bytes, headers: { "x-amz-data-length": String(bytes.length), "x-amz-checksum": checksum, "x-amz-checksum-algorithm": "SHA256" } };
    },
  },
};

async function rig(snapshot = facts.id): Promise<{ readonly fake: AwsFake; readonly blocks: EbsBlocks; readonly slow: EbsBlocks }> {
  useKey(me);
  const fake = await openAwsFake({ keys: makeKeyRing([me]), services: [smallEbs] });
  const link = openAwsLink({
    config: { ...noAws, endpoint: fake.url },
    region: "eu-west-1",
    account: null,
    case: "C-1",
    collection: "20261124T120000Z-9f3a1c",
    clock: () => new Date(),
    random: () => new Uint8Array(2),
    sleep: async (_, signal) => signal.throwIfAborted(),
  });
  /** Without a room, a block goes the SDK's way. */
  const sdkOnly: AwsLink = {
    ...link,
    askBytes: (scope, region, name, input, limit, signal, { room: _, ...options } = {}) => link.askBytes(scope, region, name, input, limit, signal, options),
  };
  open.push(link, fake);
  return { fake, blocks: linkBlocks(link, "source", null, snapshot), slow: linkBlocks(sdkOnly, "source", null, snapshot) };
}

const room = (): Uint8Array => Buffer.alloc(512 * 1024);
const block = { index: 17, token: "t17+/=" };
const agents = (fake: AwsFake): readonly (string | undefined)[] =>
  fake.exchanges.filter(({ operation }) => operation === "GetSnapshotBlock").map(({ headers }) => headers["user-agent"]);

test("a snapshot is listed by the SDK and its blocks are got without it, byte for byte", async () => {
  const { fake, blocks } = await rig();
  const opened = await openSnapshotImage(facts, blocks, quickAccounts()(home, "eu-west-1"), never);
  if (opened.kind !== "source") throw new Error(JSON.stringify(opened));
  await using stream = openPartStream(opened.source, { compress: "none", replay: [], signal: never });
  await takeAll(stream);
  const hash = createHash("sha256");
  for (let index = 0; index < 2048; index += 1) hash.update(written.includes(index) ? blockOf(index) : Buffer.alloc(512 * 1024));
  expect((await stream.digest()).sha256).toBe(hash.digest("hex"));
  await opened.source.close();
  expect(fake.unknown).toEqual([]);
  expect(agents(fake)).toEqual(written.map(() => "holdfast"));
});

test("with and without the SDK the answer is the same, and so is every no", async () => {
  const { fake, blocks, slow } = await rig();
  const answers = async (blocks: EbsBlocks): Promise<readonly unknown[]> => {
    const all: unknown[] = [];
    all.push(await blocks.get(block, room, never));
    all.push(await blocks.get({ ...block, token: "old" }, room, never));
    for (const does of [
      { kind: "throttle" },
      { kind: "throttle", code: "ThrottlingException" },
      { kind: "deny" },
      { kind: "server-error" },
      { kind: "reset-before" },
    ] as const) {
      fake.faults.add({ on: "ebs:GetSnapshotBlock", does });
      all.push(await blocks.get(block, room, never));
    }
    fake.faults.add({
      on: "ebs:GetSnapshotBlock",
      does: { kind: "throttle", code: "RequestThrottledException", fields: { Reason: "RESOURCE_LEVEL_THROTTLE" } },
    });
    all.push(await blocks.get(block, room, never));
    return all.map((answer) => JSON.parse(JSON.stringify(answer).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")));
  };
  const bySdk = await answers(slow);
  expect(agents(fake).every((agent) => agent !== "holdfast")).toBe(true);
  await blocks.list({ kind: "index", index: 0 }, never); // shows where the service is
  const past = agents(fake).length;
  const bySelf = await answers(blocks);
  expect(new Set(agents(fake).slice(past))).toEqual(new Set(["holdfast"]));
  expect(bySelf).toEqual(bySdk);
  expect(bySelf.map((answer) => (typeof answer === "object" && answer !== null && "kind" in answer ? answer.kind : null))).toEqual([
    "block",
    "invalid",
    "throttled",
    "throttled",
    "refused",
    "block",
    "block",
    "throttled",
  ]);
  expect(bySelf.filter((_, i) => [2, 3, 7].includes(i))).toEqual(["account", null, "snapshot"].map((limit) => ({ kind: "throttled", limit })));
});

test("a block's bytes lie in the room that was given for them", async () => {
  const { blocks } = await rig();
  await blocks.list({ kind: "index", index: 0 }, never);
  const mine = room();
  const answer = await blocks.get(block, () => mine, never);
  expect(answer).toMatchObject({ kind: "block", length: 524_288, algorithm: "SHA256" });
  expect([answer.kind === "block" && answer.bytes.buffer === mine.buffer, sha256(mine)]).toEqual([true, sha256(blockOf(17))]);
});

test("a snapshot that is not there is unavailable, with the request's id", async () => {
  const { blocks } = await rig("snap-0000000000000bad0");
  expect(await openSnapshotImage({ ...facts, id: "snap-0000000000000bad0" }, blocks, quickAccounts()(home, "eu-west-1"), never)).toEqual({
    kind: "none",
    outcome: "unavailable",
    detail: expect.stringMatching(
      /^snap-0000000000000bad0: listing its blocks was refused: ResourceNotFoundException: The snapshot does not exist\. \(request [0-9a-f-]{36}\)$/,
    ),
  });
});
