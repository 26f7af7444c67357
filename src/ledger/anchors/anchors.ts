import type { Anchored, AnchorName } from "../../core/anchored.ts";
import { describeError } from "../../core/error.ts";
import type { Clock, Fetch, Random } from "../../core/ports.ts";
import { type AnchorPolicy, anchorNames } from "./anchor-policy.ts";
import { type AnchorState, type AnchorStates, readAnchorStates, writeAnchorStates } from "./anchor-state.ts";
import { keepAnchors, keptAnchors, type NewAnchor } from "./anchor-store.ts";
import { type LogVkeys, readVkeys } from "../keys/log-keys.ts";
import { openOwnHead } from "./own-head.ts";
import type { LedgerPaths } from "../store/paths.ts";
import type { Authority } from "../timestamps/timestamp.ts";
import { cosign, type OwnHead, type WitnessOutcome } from "./witness.ts";
import type { Witness } from "./witness-client.ts";

export type Surroundings = { readonly fetch: Fetch; readonly clock: Clock; readonly random: Random };

/** How long one anchor may hold up a command. Milliseconds. */
const PATIENCE_MS = 20_000;
/** Anchored so often while there is something new (design.md), and not asked again so soon after it failed. */
const EVERY_MS = 10 * 60_000;
const RETRY_MS = 60_000;

/**
 * Has the newest head vouched for by these anchors, all at once, each with its own deadline. What is got is kept in ledger.db, what
 * fails is remembered with its reason and when it began; neither touches an act. Rejects with the reason of `signal`, or where our own
 * files cannot be read or written.
 */
export async function anchorNow(
  paths: LedgerPaths,
  policy: AnchorPolicy,
  names: readonly AnchorName[],
  around: Surroundings,
  signal: AbortSignal,
): Promise<readonly Anchored[]> {
  const keys = readVkeys(paths.keys);
  const kept = keptAnchors(paths);
  const got: NewAnchor[] = [];
  using head = openOwnHead(paths, keys);
  if (head.checkpoint.size === 0) return [];
  const keep = (kind: AnchorName, size: number, bytes: Buffer): void => void got.push({ size, kind, bytes });
  const asked = [
    ...policy.witnesses.map((witness) => ({
      name: `witness:${witness.name}` as const,
      ask: () => askWitness(paths, keys, witness, head, kept, around, keep, within(signal)),
    })),
    ...policy.authorities.map((authority) => ({
      name: `rfc3161:${authority.name}` as const,
      ask: () => askAuthority(authority, head, around, keep, within(signal)),
    })),
  ].filter(({ name }) => names.includes(name));
  const done = await Promise.all(asked.map(({ name, ask }) => ask().catch((error: unknown) => failed(name, error, signal))));
  await keepAnchors(paths, got);
  remember(paths, done, around.clock().toISOString());
  return done;
}

/**
 * The anchors that should be asked now: something new for them and not asked for a while, or an act that must not wait for that
 * (`waits(from)`: one of the entries from `from` on). One that failed is left alone for a minute, whatever is new.
 */
export function dueAnchors(
  paths: LedgerPaths,
  policy: AnchorPolicy,
  size: number,
  now: Date,
  waits: (from: number) => boolean = () => false,
): readonly AnchorName[] {
  const states = readAnchorStates(paths);
  return anchorNames(policy).filter((name) => {
    const state = states[name];
    if (state === undefined) return size > 0;
    const ago = (time: string): number => now.getTime() - Date.parse(time);
    // A time in the future is a clock that was put back: asking once more costs little.
    const rested = (time: string, ms: number): boolean => !(ago(time) >= 0 && ago(time) < ms);
    if (state.trouble !== null) return rested(state.tried, RETRY_MS);
    return (state.size ?? 0) < size && (rested(state.time ?? state.tried, EVERY_MS) || waits(state.size ?? 0));
  });
}

/** Witnesses that did not answer a moment ago are not waited for again: each act would wait for them. */
export function restedWitnesses(paths: LedgerPaths, policy: AnchorPolicy, now: Date): AnchorPolicy {
  const states = readAnchorStates(paths);
  const silent = (name: string): boolean => {
    const state = states[`witness:${name}`];
    const ago = now.getTime() - Date.parse(state?.tried ?? "");
    return state?.trouble?.kind === "broken" && ago >= 0 && ago < RETRY_MS;
  };
  return { ...policy, witnesses: policy.witnesses.filter(({ name }) => !silent(name)) };
}

/** The witness's answer about our newest head. A size beyond it is looked at again: another process of ours may have gone on. */
export async function askAboutHead(
  paths: LedgerPaths,
  keys: LogVkeys,
  witness: Witness,
  head: OwnHead,
  old: number,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<WitnessOutcome & { readonly size: number }> {
  const { size } = head.checkpoint;
  const outcome = await cosign(witness, head, old, fetch, signal);
  if (outcome.kind !== "rollback") return { ...outcome, size };
  using newer = openOwnHead(paths, keys);
  if (newer.checkpoint.size < outcome.known) return { ...outcome, size: newer.checkpoint.size };
  return { ...(await cosign(witness, newer, outcome.known, fetch, signal)), size: newer.checkpoint.size };
}

type Keep = (kind: AnchorName, size: number, bytes: Buffer) => void;

async function askWitness(
  paths: LedgerPaths,
  keys: LogVkeys,
  witness: Witness,
  head: OwnHead,
  kept: ReadonlyMap<string, number>,
  around: Surroundings,
  keep: Keep,
  signal: AbortSignal,
): Promise<Anchored> {
  const anchor = `witness:${witness.name}` as const;
  const outcome = await askAboutHead(paths, keys, witness, head, kept.get(anchor) ?? 0, around.fetch, signal);
  if (outcome.kind !== "cosigned") return { anchor, kind: outcome.kind, text: outcome.text };
  keep(anchor, outcome.size, outcome.bytes);
  return { anchor, kind: "anchored", size: outcome.size, time: new Date(outcome.time * 1000).toISOString(), text: `cosigned by ${witness.key.name}` };
}

async function askAuthority(authority: Authority, head: OwnHead, around: Surroundings, keep: Keep, signal: AbortSignal): Promise<Anchored> {
  const anchor = `rfc3161:${authority.name}` as const;
  const { timestamp } = await import("../timestamps/timestamp.ts");
  const outcome = await timestamp(authority, head.note, around, signal);
  if (outcome.kind !== "stamped") return { anchor, kind: outcome.kind, text: outcome.text };
  const { size } = head.checkpoint;
  keep(anchor, size, outcome.bytes);
  return { anchor, kind: "anchored", size, time: outcome.time.toISOString(), text: outcome.revocation };
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
}

function failed(anchor: AnchorName, error: unknown, signal: AbortSignal): Anchored {
  if (signal.aborted) throw signal.reason;
  const slow = error instanceof Error && error.name === "TimeoutError";
  return { anchor, kind: "broken", text: slow ? `no whole answer within ${PATIENCE_MS / 1000} s` : describeError(error) };
}

/** Writes down how it went with each, beside what is known of the others. */
export function remember(paths: LedgerPaths, done: readonly Anchored[], now: string): void {
  const before = readAnchorStates(paths);
  const after: AnchorStates = Object.fromEntries(done.map((one) => [one.anchor, next(before[one.anchor], one, now)]));
  writeAnchorStates(paths, { ...before, ...after });
}

function next(before: AnchorState | undefined, one: Anchored, now: string): AnchorState {
  if (one.kind === "anchored") return { size: one.size, time: now, tried: now, trouble: null };
  const since = before?.trouble?.kind === one.kind ? before.trouble.since : now;
  return { size: before?.size ?? null, time: before?.time ?? null, tried: now, trouble: { kind: one.kind, text: one.text, since } };
}
