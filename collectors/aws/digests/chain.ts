import { type CheckedDigest, checkDigest, type FollowedLink, type SignedDigest } from "./check.ts";
import { digestCoverage } from "./coverage.ts";
import { keyRing } from "./keys.ts";
import type { ChainLine } from "./line.ts";
import { checkLog } from "./logs.ts";
import { cloudTrailTime, parseDigestKey } from "./names.ts";
import type { ChainOrder, ChainReader, Place } from "./order.ts";
import { chainTally } from "./tally.ts";
import { type Candidate, walkDigests } from "./walk.ts";
import { namedLogs } from "./named-logs.ts";
import { unnamedLogs } from "./unnamed-logs.ts";

const hourMs = 3_600_000;

/**
 * Which digests may matter for a window, by the end of their hour as their names say it (ms since 1970, both included): all that touch
 * it and, for it holds the link to the newest of them, the one after. Whoever collects for `validateChain` takes these.
 */
export function digestSpan(window: ChainOrder["window"]): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: Date.parse(window.since), untilMs: Date.parse(window.until) + 2 * hourMs };
}

/**
 * Validates what CloudTrail delivered for one trail, account, region and window, from what was collected alone: the same objects and
 * keys give the same lines, years later and without AWS. One line for each digest and each log file, valid or not, and for each time
 * that no digest covers; the summary comes last, and only if everything was looked at. Memory holds one digest, the keys of the
 * window's digests, and 16 to 64 bytes for each log file.
 *
 * What it cannot see: a backfill digest that was deleted together with the log files that only it names.
 */
export async function* validateChain(order: ChainOrder, reader: ChainReader, signal: AbortSignal): AsyncGenerator<ChainLine> {
  const tally = chainTally(order);
  const coverage = digestCoverage(order.window, order.listedAt);
  const named = namedLogs();
  const keys = keyRing(reader.publicKeys);
  const check = (place: Place, link: FollowedLink | null): Promise<CheckedDigest> => checkDigest(order, reader, keys, place, link, signal);
  const { hourly, backfill } = await candidatesOf(order, reader, signal);
  const walk = { check, sinceMs: Date.parse(order.window.since), endMsOf: (key: string): number | null => parseDigestKey(order, key)?.endMs ?? null };

  let later: SignedDigest | null = null;
  for await (const { line, signed, way } of walkDigests({ ...walk, candidates: hourly, backfill: false })) {
    signal.throwIfAborted();
    yield tally(line);
    if (signed === null) continue;
    if (way === "chain") {
      if (later !== null && later.digest.previous === null) yield tally(restart(later));
      later = signed;
      const hole = coverage.add(signed.digest);
      if (hole !== null) yield tally(hole);
    }
    for await (const log of logsOf(signed)) yield tally(log);
  }
  const rest = coverage.end();
  if (rest !== null) yield tally(rest);
  const endMsOf = (key: string): number | null => (parseDigestKey(order, key)?.backfill === true ? walk.endMsOf(key) : null);
  for await (const { line, signed } of walkDigests({ ...walk, endMsOf, candidates: backfill, backfill: true })) {
    signal.throwIfAborted();
    yield tally(line);
    if (signed !== null) for await (const log of logsOf(signed)) yield tally(log);
  }
  const listing = reader.logKeys(signal);
  if (listing !== null) for await (const log of unnamedLogs(order, reader, listing, named, coverage, signal)) yield tally(log);
  yield tally.summary(coverage.span(), listing !== null);

  async function* logsOf({ digest }: SignedDigest): AsyncGenerator<ChainLine> {
    for (const log of digest.logs) named.add(log.place);
    // The digest after the window is there for its link; its log files were not asked for.
    if (digest.startMs > Date.parse(order.window.until) || digest.endMs < Date.parse(order.window.since)) return;
    for (const log of digest.logs) {
      signal.throwIfAborted();
      const line = await checkLog(order, reader, log, digest.place.key, signal);
      if (line.verdict === "missing") named.miss(log);
      yield line;
    }
  }
}

function restart({ digest }: SignedDigest): ChainLine {
  const text =
    "a new chain starts here: logging or validation was off, or the trail was made anew; nothing vouches for the digests before it but their own signatures";
  return { kind: "restart", ...digest.place, at: cloudTrailTime(digest.startMs), text };
}

async function candidatesOf(
  order: ChainOrder,
  reader: ChainReader,
  signal: AbortSignal,
): Promise<{ readonly hourly: readonly Candidate[]; readonly backfill: readonly Candidate[] }> {
  const { fromMs, untilMs } = digestSpan(order.window);
  const before = order.prefix === null ? "" : `${order.prefix}/`;
  const hourly: Candidate[] = [];
  const backfill: Candidate[] = [];
  for await (const key of reader.digestKeys(signal)) {
    const name = parseDigestKey(order, key);
    if (name === null || name.before !== before || name.endMs < fromMs || name.endMs > untilMs) continue;
    (name.backfill ? backfill : hourly).push({ place: { bucket: order.bucket, key }, endMs: name.endMs });
  }
  const newestFirst = (a: Candidate, b: Candidate): number => b.endMs - a.endMs || (a.place.key < b.place.key ? 1 : -1);
  return { hourly: hourly.sort(newestFirst), backfill: backfill.sort(newestFirst) };
}
