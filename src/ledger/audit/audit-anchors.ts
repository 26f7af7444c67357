import { describeError, HoldfastError } from "../../core/error.ts";
import type { AnchorCover } from "../../core/verdict.ts";
import type { AnchorPolicy } from "../anchors/anchor-policy.ts";
import { type AnchorRow, anchorRows } from "../anchors/anchor-store.ts";
import { type Checkpoint, openCheckpoint } from "../format/checkpoint.ts";
import { cosignedAt } from "../anchors/cosignature.ts";
import type { Db } from "../store/database.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import type { Hash } from "../format/merkle.ts";
import { parseNote } from "../format/note.ts";
import type { Problems } from "./problems.ts";
import { parseArchive } from "../timestamps/timestamp-archive.ts";
import type { Witness } from "../anchors/witness-client.ts";

export type AnchorAudit = {
  reached(size: number, root: () => Hash): void;
  /** The newest proof that holds, of each anchor that has one. */
  end(size: number): readonly AnchorCover[];
};

/**
 * Every kept proof: our own signatures on the note in it, its root against the tree as it passes that size, and what the witness or
 * authority signed, for those that the policy names. A proof of nobody in the policy is only told of.
 */
export async function auditAnchors(db: Db, keys: LogVkeys, policy: AnchorPolicy, problems: Problems): Promise<AnchorAudit> {
  // Loaded only here: most ledgers have no timestamps.
  const stamps = policy.authorities.length === 0 ? null : await import("../timestamps/timestamp.ts");
  const rows = anchorRows(db);
  const held = new Map<string, AnchorCover>();
  const unknown = new Map<string, number>();
  const ids: number[] = [];
  let forked = false;
  let upcoming: AnchorRow | undefined = take();

  function take(): AnchorRow | undefined {
    const { value } = rows.next();
    if (value === undefined) return undefined;
    ids.push(value.id);
    return value;
  }
  const altered = (row: AnchorRow, why: string): void =>
    problems.add("anchor-altered", null, `the proof ${row.id} of ${row.kind} for ${row.size} entries does not hold: ${why}`);
  const check = (row: AnchorRow, root: Hash): void => {
    const { note, checkpoint, fault } = opened(row, keys);
    if (checkpoint === null || fault !== null) altered(row, fault ?? "it cannot be read");
    else if (!checkpoint.root.equals(root)) {
      if (!forked)
        problems.add(
          "fork",
          null,
          `the first ${row.size} entries give the root ${root.toString("base64")}, and ${row.kind} vouched for ${checkpoint.root.toString("base64")}, which this log's keys signed: this is another history of the same log`,
        );
      forked = true;
    } else {
      const time = outsideTime(row, note, checkpoint);
      if (time !== null && (held.get(row.kind)?.size ?? -1) <= row.size) held.set(row.kind, { anchor: row.kind, size: row.size, time });
    }
  };
  const outsideTime = (row: AnchorRow, note: Buffer, checkpoint: Checkpoint): string | null => {
    const name = row.kind.slice(row.kind.indexOf(":") + 1);
    const witness = row.kind.startsWith("witness:") ? policy.witnesses.find((w) => w.name === name) : undefined;
    const authority = row.kind.startsWith("rfc3161:") ? policy.authorities.find((a) => a.name === name) : undefined;
    if (witness !== undefined) {
      const time = witnessTime(note, checkpoint, witness);
      if (time === null)
        altered(row, `it carries no cosignature of ${witness.key.name} that verifies; a witness with a new key needs a new name in the configuration`);
      return time;
    }
    if (authority === undefined || stamps === null) {
      unknown.set(row.kind, (unknown.get(row.kind) ?? 0) + 1);
      return null;
    }
    try {
      return stamps.checkArchived(authority, row.bytes).genTime.toISOString();
    } catch (error) {
      if (error instanceof HoldfastError && error.code === "config")
        problems.add("anchor-unchecked", null, `the proof ${row.id} of ${row.kind}: ${describeError(error)}`);
      else altered(row, describeError(error));
      return null;
    }
  };

  return {
    reached(size, root) {
      for (; upcoming?.size === size; upcoming = take()) check(upcoming, root());
    },
    end(size) {
      for (; upcoming !== undefined; upcoming = take())
        if (upcoming.size > size)
          problems.add(
            "rollback",
            null,
            `${upcoming.kind} vouched for ${upcoming.size} entries of this log, and the ledger has ${size}: entries were taken away`,
          );
        else altered(upcoming, "the log never had that size");
      ids.sort((a, b) => a - b);
      const gap = ids.findIndex((id, i) => id !== i + 1);
      if (gap >= 0) problems.add("anchor-altered", null, `the proofs of the anchors are numbered without gaps, and ${gap + 1} is missing`);
      for (const [kind, count] of unknown)
        problems.add("anchor-unchecked", null, `${count} proofs of ${kind} are kept and were not checked: the configuration does not name it`);
      return [...held.values()].sort((a, b) => (a.anchor < b.anchor ? -1 : 1));
    },
  };
}

type Opened = { readonly note: Buffer; readonly checkpoint: Checkpoint | null; readonly fault: string | null };

/** The note in a proof, under our own keys: what we never signed proves nothing about us. */
function opened(row: AnchorRow, keys: LogVkeys): Opened {
  try {
    const note = row.kind.startsWith("rfc3161:") ? parseArchive(row.bytes).note : row.bytes;
    const checkpoint = openCheckpoint(note, keys.origin, keys.vkeys);
    return { note, checkpoint, fault: checkpoint.size === row.size ? null : `it is of size ${checkpoint.size}` };
  } catch (error) {
    return { note: row.bytes, checkpoint: null, fault: describeError(error) };
  }
}

function witnessTime(bytes: Buffer, checkpoint: Checkpoint, witness: Witness): string | null {
  const note = parseNote(bytes);
  for (const line of note.signatures) {
    const time = cosignedAt(note, checkpoint, witness.key, line);
    if (time !== null) return new Date(time * 1000).toISOString();
  }
  return null;
}
