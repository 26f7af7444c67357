import { validateChain } from "../../../collectors/aws/digests/chain.ts";
import { parseDigestKeys } from "../../../collectors/aws/digests/keys.ts";
import type { ChainLine, SummaryLine } from "../../../collectors/aws/digests/line.ts";
import { type ChainOrder, type ChainReader, chainLimits, type Place, type StoredObject } from "../../../collectors/aws/digests/order.ts";
import type { ChainObject, DigestChain } from "./digest-chains.ts";

export function orderOf(chain: Omit<DigestChain, "objects" | "publicKeys" | "digestKeys" | "logKeys">, more: Partial<ChainOrder> = {}): ChainOrder {
  const { trailArn, account, region, bucket } = chain;
  const window = { since: new Date(chain.since).toISOString(), until: new Date(chain.until).toISOString() };
  return { trailArn, account, region, bucket, prefix: null, organization: null, window, listedAt: "2027-01-01T00:00:00.000Z", limits: chainLimits, ...more };
}

/** Reads as a bucket would answer: in small pieces, listings in order. */
export function readerOf(objects: ReadonlyMap<string, ChainObject>, publicKeys: unknown, order: ChainOrder, more: Partial<ChainReader> = {}): ChainReader {
  const read = (place: Place): Promise<StoredObject> => {
    const object = objects.get(`${place.bucket}/${place.key}`);
    return Promise.resolve(object === undefined ? { kind: "missing" } : { kind: "found", metadata: object.metadata, body: pieces(object.bytes) });
  };
  async function* list(part: string): AsyncGenerator<string> {
    const keys = [...objects.values()].filter((object) => object.bucket === order.bucket).map((object) => object.key);
    for (const key of keys.sort()) if (key.startsWith(`AWSLogs/${order.account}/${part}/${order.region}/`)) yield await Promise.resolve(key);
  }
  return {
    digestKeys: () => list("CloudTrail-Digest"),
    logKeys: () => list("CloudTrail"),
    digest: read,
    log: read,
    publicKeys: parseDigestKeys(publicKeys),
    ...more,
  };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield await Promise.resolve(bytes.subarray(at, at + 100));
}

export async function linesOf(order: ChainOrder, reader: ChainReader): Promise<readonly ChainLine[]> {
  const lines: ChainLine[] = [];
  for await (const line of validateChain(order, reader, AbortSignal.timeout(60_000))) lines.push(line);
  return lines;
}

export function summaryOf(lines: readonly ChainLine[]): SummaryLine {
  const last = lines.at(-1);
  if (last?.kind !== "summary") throw new Error("the report does not end with its summary");
  return last;
}

/** Everything but what is valid, in short: `digest missing NAME`. */
export function troubles(lines: readonly ChainLine[]): readonly string[] {
  return lines.flatMap((line) => {
    if (line.kind === "summary") return [];
    if (line.kind === "uncovered") return [`uncovered ${line.where} ${line.window.since.slice(11, 16)}-${line.window.until.slice(11, 16)}`];
    const name = line.key.slice(line.key.lastIndexOf("/") + 1);
    if (line.kind === "restart") return [`restart ${name}`];
    return line.verdict === "valid" ? [] : [`${line.kind} ${line.verdict} ${name}`];
  });
}
