import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import type { Act } from "../../core/act.ts";
import { describeError, HoldfastError } from "../../core/error.ts";
import type { AnchorCover, LedgerAudit } from "../../core/verdict.ts";
import { type AnchorPolicy, anchorNames, noAnchors } from "../anchors/anchor-policy.ts";
import { assuranceOf } from "../anchors/assurance.ts";
import { auditActors } from "./audit-actors.ts";
import { auditAnchors } from "./audit-anchors.ts";
import { auditCheckpoints } from "./audit-checkpoints.ts";
import { auditEntries, type EntryFindings } from "./audit-entries.ts";
import { type AuditHands, auditHands } from "./audit-hands.ts";
import { auditIndex } from "./audit-index.ts";
import { auditKeys } from "./audit-keys.ts";
import { type Checkpoint, checkpointId, openCheckpoint } from "../format/checkpoint.ts";
import { type Db, openForReading } from "../store/database.ts";
import { openHeadReader } from "../store/head.ts";
import { type LogVkeys, readVkeys } from "../keys/log-keys.ts";
import { EMPTY_ROOT, type Hash } from "../format/merkle.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { integrityComplaints } from "./integrity.ts";
import { altering, verdictOf } from "./ledger-verdict.ts";
import { gatherProblems, type Problems } from "./problems.ts";
import { schemaDifferences } from "./schema-differences.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";

type Seen = { readonly found: EntryFindings; readonly covers: readonly AnchorCover[] };

const nothing: EntryFindings = { size: 0, end: 0, gaps: 0, root: EMPTY_ROOT, mismatched: [], rootOfColumns: null, strayTiles: 0 };

/**
 * Recomputes the whole ledger from the bytes of its leaves and compares everything else with that: hash columns, tiles, index,
 * chains, kept notes, head. Writes nothing and works beside a running writer: the head is read first, then one snapshot, so that
 * entries beyond the head are a commit under way. Kept proofs of the policy's anchors are checked; nobody is asked anything:
 * `withWitnesses` adds what they say now. `handsFor` is who reads: threads, where the ledger is worth it. Rejects with `config` where there is no key to check against, and with the signal's reason.
 */
export async function auditLedger(
  paths: LedgerPaths,
  signal: AbortSignal,
  policy: AnchorPolicy = noAnchors,
  handsFor: typeof auditHands = auditHands,
): Promise<LedgerAudit> {
  const keys = readVkeys(paths.keys);
  const problems = gatherProblems();
  const signed = readHead(paths, keys, problems);
  const seen: { found: EntryFindings; covers: readonly AnchorCover[] } = { found: nothing, covers: [] };
  if (!existsSync(paths.ledger)) problems.add("entry-missing", null, `${paths.ledger} is not there`);
  else {
    try {
      const opened = openForReading(paths.ledger, LEDGER_APPLICATION_ID);
      try {
        Object.assign(seen, await auditSnapshot(opened.db, handsFor, paths, keys, policy, signed, problems, signal));
      } finally {
        opened.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      demandDamage(paths.ledger, error);
      problems.add("schema", null, `${paths.ledger} cannot be read as a ledger: ${describeError(error)}`);
    }
  }
  if (signed !== null && seen.found.size < signed.size)
    problems.add(
      "rollback",
      null,
      `the ledger has ${seen.found.size} entries, and its head of size ${signed.size} was signed: ${signed.size - seen.found.size} were taken away, or an older copy was put in its place`,
    );
  const held = seen.covers.map(({ anchor }) => anchor);
  return {
    verdict: verdictOf(problems, seen.found.gaps),
    assurance: assuranceOf(seen.covers, policy.quorum),
    found: checkpointId({ origin: keys.origin, size: seen.found.size, root: seen.found.root }),
    signed: signed === null ? null : checkpointId(signed),
    anchors: held,
    covers: seen.covers,
    unreachable: anchorNames(policy).filter((name) => !held.includes(name)),
    problems: problems.list(),
    receipts: null,
  };
}

async function auditSnapshot(
  db: Db,
  handsFor: typeof auditHands,
  paths: LedgerPaths,
  keys: LogVkeys,
  policy: AnchorPolicy,
  signed: Checkpoint | null,
  problems: Problems,
  signal: AbortSignal,
): Promise<Seen> {
  db.exec("BEGIN"); // one snapshot for everything that follows
  for (const difference of schemaDifferences(db)) problems.add("schema", null, difference);
  await using hands = handsFor(db, keys.origin, signal);
  const integrity = hands.integrity();
  integrity.catch(() => {}); // waited for below, after the tables
  const later = gatherProblems();
  let seen: Seen & { readonly rootAtHead: Hash | null };
  try {
    seen = await auditTables(db, hands, paths, keys, policy, signed, later, signal);
  } finally {
    for (const complaint of (await integrity) ?? integrityComplaints(db)) problems.add("schema", null, complaint);
    problems.append(later);
  }
  compareHead(seen.found, seen.rootAtHead, signed, problems);
  return seen;
}

async function auditTables(
  db: Db,
  hands: AuditHands,
  paths: LedgerPaths,
  keys: LogVkeys,
  policy: AnchorPolicy,
  signed: Checkpoint | null,
  problems: Problems,
  signal: AbortSignal,
): Promise<Seen & { readonly rootAtHead: Hash | null }> {
  const later = signed === null ? null : (readHead(paths, keys, gatherProblems()) ?? signed);
  const index = auditIndex(db, problems);
  const changes = auditKeys(keys, problems);
  const actors = auditActors(keys.origin, problems);
  const checkpoints = auditCheckpoints(db, keys.origin, keys.vkeys, problems);
  const anchors = await auditAnchors(db, keys, policy, problems);
  let rootAtHead: Hash | null = null;
  const walk = {
    origin: keys.origin,
    signal,
    problems,
    act(act: Act, leaf: Uint8Array, signer: string | null) {
      index.act(act);
      changes.act(act);
      actors.act(act, leaf, signer);
    },
    follow: index.follow,
    count: index.count,
    mustSign: actors.anyEnrolled,
    reached(size: number, root: () => Hash) {
      if (size === signed?.size) rootAtHead = root();
      checkpoints.reached(size, root);
      anchors.reached(size, root);
    },
  };
  const found = await auditEntries(db, hands, walk, signed?.size ?? null);
  index.end(found.end);
  changes.end();
  const notes = checkpoints.end(found.end);
  const covers = anchors.end(found.end);
  nameMismatches(found, rootAtHead, signed, problems);
  tailTraces(db, found, notes.beyond, signed, problems);
  // A note is kept only after its head was swapped in, so none can be newer than the head that is read after it.
  if (later !== null && notes.newest !== null && notes.newest > later.size)
    problems.add(
      "rollback",
      null,
      `head.db says size ${later.size}, and the ledger keeps the note of a head of size ${notes.newest}: an older head.db was put in its place`,
    );
  return { found, covers, rootAtHead };
}

function readHead(paths: LedgerPaths, keys: LogVkeys, problems: Problems): Checkpoint | null {
  if (!existsSync(paths.head)) {
    problems.add("head-missing", null, `${paths.head} is not there, so nothing says how long the ledger has to be`);
    return null;
  }
  let body: Buffer;
  try {
    const head = openHeadReader(paths.head, keys.origin);
    try {
      body = head.read();
    } finally {
      head.close();
    }
  } catch (error) {
    demandDamage(paths.head, error);
    problems.add("checkpoint-altered", null, `${paths.head} holds no readable head: ${describeError(error)}`);
    return null;
  }
  try {
    return openCheckpoint(body, keys.origin, keys.vkeys);
  } catch (error) {
    problems.add("signature", null, `the head does not hold under the keys of ${keys.origin}: ${describeError(error)}`);
    return null;
  }
}

/** Where leaf and hash column differ, the signed root tells which of the two was changed. */
function nameMismatches(found: EntryFindings, rootAtHead: Hash | null, signed: Checkpoint | null, problems: Problems): void {
  const leavesHold = signed !== null && rootAtHead?.equals(signed.root) === true;
  for (const seq of found.mismatched) {
    if (leavesHold && seq < signed.size)
      problems.add("leaf-hash", seq, `the hash beside entry ${seq} was changed; the entry itself is the one that was signed`);
    else
      problems.add(
        "leaf-altered",
        seq,
        `entry ${seq} was changed: its bytes no longer give the hash recorded beside it${found.rootOfColumns !== null && signed !== null && found.rootOfColumns.equals(signed.root) ? ", and the signed root needs that hash" : ""}`,
      );
  }
}

/** Index, tiles and notes that speak of entries past the end show that there were more. */
function tailTraces(db: Db, found: EntryFindings, notesBeyond: number, signed: Checkpoint | null, problems: Problems): void {
  const acts = Number(db.prepare("SELECT count(*) FROM act WHERE idx>=?").pluck().get(found.end));
  if (acts > 0 || notesBeyond > 0)
    problems.add(
      "entry-missing",
      found.end,
      `entries from ${found.end} on are missing: the index still names ${acts} of them, and ${notesBeyond} kept notes are of larger sizes`,
    );
  const shorter = signed !== null && found.size < signed.size;
  if (found.strayTiles > 0 && !shorter) problems.add("tile-altered", null, `${found.strayTiles} tiles stand where the entries give none`);
}

function compareHead(found: EntryFindings, rootAtHead: Hash | null, signed: Checkpoint | null, problems: Problems): void {
  if (signed === null || found.size < signed.size || rootAtHead?.equals(signed.root) === true) return;
  const text = `the first ${signed.size} entries do not give the root that the head signs (${signed.root.toString("base64")})`;
  if (found.gaps > 0 || problems.has(altering)) problems.add("root-differs", null, text);
  else problems.add("fork", null, `${text}, though they agree with themselves: this is another history of the same log`);
}

/** A database that is damaged is a finding; one that cannot be read now (rights, a busy or failing disk) is not, and is thrown. */
function demandDamage(file: string, error: unknown): void {
  let code: string | null = null;
  for (let e: unknown = error; e instanceof Error; e = e.cause) if (e instanceof Database.SqliteError) code = e.code;
  if (code === null ? error instanceof HoldfastError : /^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(code)) return;
  throw new HoldfastError("ledger", `${file} cannot be read now, so nothing is said about it; check its rights and its disk`, error);
}
