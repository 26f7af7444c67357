/**
 * EBS direct: the written blocks of a snapshot, as a collector without a worker machine reads them.
 *
 *     const ebs = ebsWorld(snapshotsOf(ec2));
 *     ebs.pages = [100, 0, 7];                                                        // short and empty pages
 *     ebs.lies.push({ index: 12, kind: "wrong-checksum", times: 1 });
 *     ebs.limits = { blocks: null, snapshot: { perSecond: 1000, burst: 100 }, lists: null };   // by the server's clock
 */
import { createHash } from "node:crypto";
import type { BlockLie, EbsWorld, SnapshotFound } from "./ebs-world.ts";
import { tokenPress, type TokenPress } from "./ebs-tokens.ts";
import { numberOf, requiredText, textOf } from "./params.ts";
import { routesOf } from "./routes.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";
import { blockSize } from "./volume-content.ts";

const pageLife = 60 * 60_000;
const blockLife = 7 * 24 * 60 * 60_000;

type Bucket = { tokens: number; at: number };
type Desk = { readonly world: EbsWorld; readonly press: TokenPress; readonly buckets: Map<string, Bucket> };
type Blocks = Extract<SnapshotFound, { readonly kind: "blocks" }>;

export function ebsService(world: EbsWorld): Service {
  const desk: Desk = { world, press: tokenPress(), buckets: new Map() };
  return {
    name: "ebs",
    protocol: "rest-json",
    messageName: "Message",
    route: routesOf([
      ["GET", "/snapshots/{snapshotId}/blocks", "ListSnapshotBlocks"],
      ["GET", "/snapshots/{snapshotId}/blocks/{blockIndex}", "GetSnapshotBlock"],
    ]),
    operations: {
      ListSnapshotBlocks: (call) => listBlocks(desk, call),
      GetSnapshotBlock: (call) => getBlock(desk, call),
    },
  };
}

function invalid(reason: string, text: string): AwsRefusal {
  return new AwsRefusal("ValidationException", text, 400, { Reason: reason });
}

function throttle({ world, buckets }: Desk, call: Call, name: keyof EbsWorld["limits"], of: string): void {
  const limit = world.limits[name];
  if (limit === null) return;
  const at = call.now.getTime();
  const key = `${name} ${call.region} ${of}`;
  const bucket = buckets.get(key) ?? { tokens: limit.burst, at };
  buckets.set(key, bucket);
  bucket.tokens = Math.min(limit.burst, bucket.tokens + ((at - bucket.at) / 1000) * limit.perSecond);
  bucket.at = at;
  if (bucket.tokens < 1)
    throw new AwsRefusal("RequestThrottledException", "The number of API requests has exceeded the maximum allowed throttling limit.", 400, {
      Reason: name === "snapshot" ? "RESOURCE_LEVEL_THROTTLE" : "ACCOUNT_THROTTLED",
    });
  bucket.tokens -= 1;
}

function snapshotOf({ world }: Desk, call: Call): Blocks {
  const id = requiredText(call.params, "snapshotId");
  const found = world.find(call.account, call.region, id, call.now);
  switch (found.kind) {
    case "blocks":
      return found;
    case "missing":
      throw new AwsRefusal("ResourceNotFoundException", `The snapshot '${id}' does not exist.`, 404, { Reason: "SNAPSHOT_NOT_FOUND" });
    case "not-ready":
      throw invalid("INVALID_SNAPSHOT_ID", `The snapshot '${id}' ${found.text}`);
    case "denied":
      throw new AwsRefusal("AccessDeniedException", `${call.caller.arn} may not read '${id}'`, 403, { Reason: found.reason });
    default:
      return found satisfies never;
  }
}

/** With a page token the starting index does not count; the size may be another on every page. */
function listBlocks(desk: Desk, call: Call): Reply {
  const { world, press } = desk;
  throttle(desk, call, "lists", call.account);
  const { content, sizeGiB } = snapshotOf(desk, call);
  const id = requiredText(call.params, "snapshotId");
  const most = numberOf(call.params, "maxResults") ?? 10_000;
  if (!Number.isInteger(most) || most < 100 || most > 10_000) throw invalid("INVALID_PARAMETER_VALUE", "MaxResults must be from 100 to 10000.");
  const from = startOf(desk, call, id);
  const now = call.now.getTime();
  const list = world.listed;
  world.listed += 1;
  const begin = content.written.findIndex((index) => index >= from);
  const rest = begin < 0 ? content.written.length : begin;
  const end = Math.min(content.written.length, rest + Math.min(most, world.pages[list % world.pages.length] ?? most));
  const next = content.written[end];
  return {
    json: {
      Blocks: content.written.slice(rest, end).map((index) => ({ BlockIndex: index, BlockToken: press.seal(["block", id, index, now, list]) })),
      ExpiryTime: Math.floor((now + blockLife) / 1000),
      VolumeSize: sizeGiB,
      BlockSize: blockSize,
      ...(next === undefined ? {} : { NextToken: press.seal(["page", id, next, now, list]) }),
    },
  };
}

function startOf({ world, press }: Desk, call: Call, id: string): number {
  const token = textOf(call.params, "pageToken");
  if (token === null) {
    const start = numberOf(call.params, "startingBlockIndex") ?? 0;
    if (!Number.isInteger(start) || start < 0) throw invalid("INVALID_PARAMETER_VALUE", "StartingBlockIndex must be 0 or more.");
    return start;
  }
  const [kind, of, next, born] = press.open(token) ?? [];
  const good = kind === "page" && of === id && isYoung(born, pageLife, world.expired.pages, call.now);
  if (!good || typeof next !== "number") throw invalid("INVALID_PAGE_TOKEN", "The page token is not valid or has expired.");
  return next;
}

function isYoung(born: unknown, life: number, expired: Date | null, now: Date): boolean {
  return typeof born === "number" && now.getTime() - born <= life && (expired === null || born > expired.getTime());
}

function getBlock(desk: Desk, call: Call): Reply {
  const { world, press } = desk;
  throttle(desk, call, "blocks", call.account);
  const { content } = snapshotOf(desk, call);
  const id = requiredText(call.params, "snapshotId");
  throttle(desk, call, "snapshot", id);
  const index = numberOf(call.params, "blockIndex");
  const token = textOf(call.params, "blockToken");
  const [kind, of, which, born] = (token === null ? null : press.open(token)) ?? [];
  const good = kind === "block" && of === id && which === index && isYoung(born, blockLife, world.expired.blocks, call.now);
  const bytes = good && index !== null ? content.block(index) : null;
  if (bytes === null) throw invalid("INVALID_BLOCK_TOKEN", "The block token is not valid or has expired.");
  const lie = world.lies.find((one) => one.times > 0 && (one.index === null || one.index === index));
  if (lie !== undefined) lie.times -= 1;
  return shownBlock(bytes, lie?.kind ?? null);
}

function shownBlock(bytes: Uint8Array, lie: BlockLie["kind"] | null): Reply {
  const sum = createHash("sha256").update(bytes).digest("base64");
  const checksum = lie === "wrong-checksum" ? createHash("sha256").update("other bytes").digest("base64") : sum;
  return {
    headers: {
      "x-amz-Data-Length": String(lie === "wrong-length" ? bytes.length / 2 : bytes.length),
      ...(lie === "no-checksum" ? {} : { "x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256" }),
    },
    bytes: spoiled(bytes, lie),
  };
}

function spoiled(bytes: Uint8Array, lie: BlockLie["kind"] | null): Uint8Array {
  if (lie === "short-body") return bytes.subarray(0, bytes.length / 2);
  if (lie !== "flipped-byte") return bytes;
  const copy = Uint8Array.from(bytes);
  copy[1000] = (copy[1000] ?? 0) ^ 1;
  return copy;
}
