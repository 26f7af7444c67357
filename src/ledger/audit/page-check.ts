import { hash } from "node:crypto";
import type { ActName } from "../../core/act.ts";
import { isOrdinary } from "../actors/custody-rules.ts";
import { signerOf } from "../actors/signer-of.ts";
import { fingerprintOf, type SshKey } from "../actors/ssh-key.ts";
import { decodeLeaf } from "../format/leaf.ts";
import { HASH_BYTES } from "../format/merkle.ts";
import { type ActSummary, plainAct } from "../format/plain-act.ts";
import type { Db } from "../store/database.ts";
import { compareIndex } from "./compare-index.ts";

/** An act whose place in the log is still to be judged. One that a rule of custody names goes whole, with the key that signed it (verified). */
export type Followed =
  | ({ readonly kind: "summary" } & ActSummary)
  | { readonly kind: "whole"; readonly seq: number; readonly leaf: Uint8Array; readonly signer: string | null };

/** Entries of which everything holds that does not hang on the entries before them. */
export type SoundPage = {
  /** Their leaf hashes, side by side. */
  readonly hashes: Uint8Array;
  /** Who acted without a signature. */
  readonly unsigned: ReadonlySet<string>;
  /** In order of the log; acts of which nothing is left to be judged are not there. */
  readonly followed: readonly Followed[];
};

/** Entries from `from` to before `to`. Null is no finding: whoever asked goes through them one by one, and names what is wrong, if anything is. */
export type PageCheck = (from: number, to: number) => SoundPage | null;

const MAX_LEAF_BYTES = 65_535;
const MAX_KEYS = 1_000;
const running: readonly ActName[] = ["started", "finished", "cancelled"];

/** Holds leaves against their hash column, their form, the index tables and the signatures in them. */
export function pageCheck(db: Db, origin: string): PageCheck {
  // One value for all leaves: a Buffer each costs more than hashing it. RFC 6962 §2.1 hashes each behind a 0x00, which stands there already.
  const read = db
    .prepare<[number, number], readonly unknown[]>(
      `SELECT min(idx), max(idx), min(typeof(leaf)='blob' AND typeof(leaf_hash)='blob' AND length(leaf_hash)=${HASH_BYTES}), group_concat(length(leaf)),
      CAST(group_concat(CAST(x'00'||leaf AS TEXT),'') AS BLOB), CAST(group_concat(CAST(leaf_hash AS TEXT),'') AS BLOB)
      FROM (SELECT idx, leaf, leaf_hash FROM entry WHERE idx>=? AND idx<? ORDER BY idx)`,
    )
    .raw();
  const index = compareIndex(db);
  const keys = new Map<string, SshKey>();

  const signerIn = (leaf: Uint8Array): string | null => {
    const key = signerOf(leaf, (blob) => keys.get(fingerprintOf(blob)) ?? null);
    if (key === null) return null;
    if (keys.size >= MAX_KEYS) keys.clear(); // a forged ledger may name a new key in every act
    keys.set(key.fingerprint, key);
    return key.fingerprint;
  };

  const check: PageCheck = (from, to) => {
    const [first, last, typed, lengths, leaves, column] = read.get(from, to) ?? [];
    if (first !== from || last !== to - 1 || typed !== 1 || typeof lengths !== "string" || !Buffer.isBuffer(leaves) || !Buffer.isBuffer(column)) return null;
    const hashes = Buffer.alloc((to - from) * HASH_BYTES);
    const unsigned = new Set<string>();
    const followed: Followed[] = [];
    const acts: ActSummary[] = [];
    let at = 0;
    for (const length of lengths.split(",").map(Number)) {
      const seq = from + acts.length;
      if (seq >= to || length > MAX_LEAF_BYTES) return null;
      const leaf = leaves.subarray(at + 1, at + 1 + length);
      const place = acts.length * HASH_BYTES;
      hashes.write(hash("sha256", leaves.subarray(at, at + 1 + length), "binary"), place, "latin1");
      at += 1 + length;
      const act = plainAct(seq, leaf, origin) ?? summaryOf(decodeLeaf(seq, leaf, origin, hashes.subarray(place, place + HASH_BYTES)));
      acts.push(act);
      if (act.act === "actor-enrolled") return null; // from here on somebody may no longer act unsigned
      if (act.actor.proof !== "signed") unsigned.add(act.actor.id);
      if (!isOrdinary(act) || act.act === "key-revoked") followed.push({ kind: "whole", seq, leaf: new Uint8Array(leaf), signer: signerIn(leaf) });
      else if (act.exhibits.length > 0 || act.lease !== null || act.act === "case-opened" || (act.collection !== null && running.includes(act.act)))
        followed.push({ kind: "summary", ...act });
    }
    return hashes.equals(column) && index.holds(acts) ? { hashes, unsigned, followed } : null;
  };
  return (from, to) => {
    try {
      return check(from, to);
    } catch {
      return null; // a leaf that is no act, a signature that does not hold, a damaged row: the same is met again, and named, one by one
    }
  };
}

/** A decoded act holds more, up to a whole leaf of detail. */
function summaryOf({ seq, act, actor, case: caseId, collection, once, lease, exhibits }: ActSummary): ActSummary {
  return { seq, act, actor: { id: actor.id, proof: actor.proof }, case: caseId, collection, once, lease, exhibits };
}
