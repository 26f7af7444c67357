import type { CheckpointId } from "../../core/act.ts";
import type { AnchorName } from "../../core/anchored.ts";
import { describeError } from "../../core/error.ts";
import type { AnchorCover, LedgerAudit, LedgerProblem, LedgerVerdict } from "../../core/verdict.ts";
import type { Fetch } from "../../core/ports.ts";
import type { AnchorPolicy } from "./anchor-policy.ts";
import { keptAnchors } from "./anchor-store.ts";
import { askAboutHead } from "./anchors.ts";
import { assuranceOf } from "./assurance.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { verifyConsistency } from "../format/merkle-proof.ts";
import { openOwnHead } from "./own-head.ts";
import type { LedgerPaths } from "../store/paths.ts";
import type { OwnHead, WitnessOutcome } from "./witness.ts";

/** What a witness says of our newest head now. Only this tells of a whole home that was put back: what it keeps was put back with it. */
export type WitnessSays = { readonly anchor: AnchorName; readonly outcome: WitnessOutcome & { readonly size: number } };

/**
 * Asks all witnesses at once, each for so many milliseconds at most. `audited` is the tree that was recomputed, if one was: it has
 * to be a prefix of the head that is asked about. Throws only the reason of `signal`, or where our own files cannot be read.
 */
export async function askWitnesses(
  paths: LedgerPaths,
  policy: AnchorPolicy,
  audited: CheckpointId | null,
  fetch: Fetch,
  patienceMs: number,
  signal: AbortSignal,
): Promise<readonly WitnessSays[]> {
  if (policy.witnesses.length === 0) return [];
  const keys = readVkeys(paths.keys);
  const kept = keptAnchors(paths);
  using head = openOwnHead(paths, keys);
  const { size } = head.checkpoint;
  if (size === 0) return [];
  if (audited !== null && !isPrefix(audited, head)) {
    const text = `the head moved from ${audited.size} to ${size} entries while it was audited, and to another history`;
    return policy.witnesses.map(({ name }) => ({ anchor: `witness:${name}`, outcome: { kind: "fork", text, size } }));
  }
  return await Promise.all(
    policy.witnesses.map(async (witness): Promise<WitnessSays> => {
      const anchor = `witness:${witness.name}` as const;
      const deadline = AbortSignal.timeout(patienceMs);
      try {
        return { anchor, outcome: await askAboutHead(paths, keys, witness, head, kept.get(anchor) ?? 0, fetch, AbortSignal.any([signal, deadline])) };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const text = deadline.aborted ? `no answer within ${patienceMs / 1000} s` : describeError(error);
        return { anchor, outcome: { kind: "broken", text, size } };
      }
    }),
  );
}

/** Entries beyond the head are a commit under way: nobody outside can know them yet. */
function isPrefix(audited: CheckpointId, head: OwnHead): boolean {
  const size = Number(audited.size);
  if (size > head.checkpoint.size) return true;
  return verifyConsistency(size, head.checkpoint.size, head.prove(size), Buffer.from(audited.root, "base64"), head.checkpoint.root);
}

/**
 * The audit with what the witnesses say now. One that says rollback or fork decides; without `quorum` of them that say otherwise,
 * an intact ledger is unverifiable: it could be an older copy of itself. `needed` of them is less where that is known otherwise.
 */
export function withWitnesses(audit: LedgerAudit, says: readonly WitnessSays[], needed: number, quorum: number = needed): LedgerAudit {
  if (says.length === 0) return audit;
  const problems: LedgerProblem[] = [...audit.problems];
  const covers = new Map(audit.covers.map((cover) => [cover.anchor, cover]));
  const unreachable = new Set(audit.unreachable);
  let vouched = 0;
  for (const { anchor, outcome } of says) {
    switch (outcome.kind) {
      case "cosigned":
        vouched += 1;
        unreachable.delete(anchor);
        covers.set(anchor, { anchor, size: Math.min(outcome.size, Number(audit.found.size)), time: new Date(outcome.time * 1000).toISOString() });
        break;
      case "rollback":
      case "fork":
        problems.push({ kind: outcome.kind, seq: null, text: outcome.text });
        break;
      case "misconfigured":
      case "broken":
        unreachable.add(anchor);
        problems.push({ kind: "anchor-unchecked", seq: null, text: `${anchor} could not be asked: ${outcome.text}` });
        break;
      default:
        outcome satisfies never;
    }
  }
  const verdict = verdictWith(audit.verdict, says, vouched >= needed);
  if (verdict === "unverifiable" && audit.verdict === "intact")
    problems.push({
      kind: "anchor-unchecked",
      seq: null,
      text: `${vouched} of the ${needed} witnesses that are needed vouch for this head now: that this home is not an older copy of itself is not proven`,
    });
  const held: readonly AnchorCover[] = [...covers.values()].sort((a, b) => (a.anchor < b.anchor ? -1 : 1));
  return {
    ...audit,
    verdict,
    problems,
    covers: held,
    anchors: held.map(({ anchor }) => anchor),
    unreachable: [...unreachable],
    assurance: assuranceOf(held, quorum),
  };
}

function verdictWith(verdict: LedgerVerdict, says: readonly WitnessSays[], enough: boolean): LedgerVerdict {
  if (verdict !== "intact" && verdict !== "unverifiable") return verdict;
  for (const kind of ["fork", "rollback"] as const) if (says.some(({ outcome }) => outcome.kind === kind)) return kind;
  return enough ? verdict : "unverifiable";
}
