import { hash } from "node:crypto";
import { describeError, HoldfastError } from "../../core/error.ts";
import type { LockWorth } from "../../core/lock.ts";
import type { Vault } from "../../core/vault.ts";
import type { LedgerAudit } from "../../core/verdict.ts";
import { readVkeys } from "../keys/log-keys.ts";
import { TILE_WIDTH } from "../format/merkle.ts";
import { judgeMirror } from "./mirror-judge.ts";
import { lookAtMirror, type Mirrored } from "./mirror-look.ts";
import { bundleName, mirrorFolder } from "./mirror-names.ts";
import type { LedgerPaths } from "../store/paths.ts";
import { openProver } from "../read/proof-of.ts";

/** What the WORM mirror says of this ledger. `unreachable` says nothing of it. */
export type MirrorAudit =
  | { readonly kind: "unreachable"; readonly text: string }
  | {
      readonly kind: "checked";
      /** Entries that the newest agreeing checkpoint covers; 0 where there is none. */
      readonly covers: number;
      /** When the store says that this checkpoint was written; null where it does not say. */
      readonly time: string | null;
      /** What the lock of that checkpoint is worth, read back now; a mirror that can be removed proves nothing against who can. */
      readonly lock: LockWorth;
      readonly problems: readonly { readonly kind: "rollback" | "fork" | "anchor-altered"; readonly text: string }[];
    };

/**
 * Reads the whole list of the mirror: a second version of any checkpoint, a delete marker, a bundle that is not there, and the
 * newest signed checkpoint against our head. Throws only the reason of `signal`.
 */
export async function auditMirror(paths: LedgerPaths, vault: Vault, signal: AbortSignal): Promise<MirrorAudit> {
  try {
    return await look(paths, vault, signal);
  } catch (error) {
    signal.throwIfAborted();
    // A ledger that cannot prove its own head is for the audit of its entries to name.
    const ours = error instanceof HoldfastError && (error.code === "altered" || error.code === "ledger" || error.code === "unverifiable");
    return {
      kind: "unreachable",
      text: ours ? `the mirror in vault ${vault.name} could not be held against this ledger: ${describeError(error)}` : describeError(error),
    };
  }
}

async function look(paths: LedgerPaths, vault: Vault, signal: AbortSignal): Promise<MirrorAudit> {
  const keys = readVkeys(paths.keys);
  const sight = await lookAtMirror(vault, keys, 0, signal);
  const gaps = await missingBundles(vault, mirrorFolder(keys.origin), sight.newest?.checkpoint.size ?? 0, signal);
  const lock = sight.newest === null ? "none" : await lockOf(vault, sight.newest, signal);
  const prover = openProver(paths);
  try {
    const state = judgeMirror(vault.name, sight, prover.head().checkpoint, prover);
    const altered = [...sight.alarms, ...gaps].map((text) => ({ kind: "anchor-altered", text }) as const);
    const against = state.kind === "rollback" || state.kind === "fork" ? [{ kind: state.kind, text: state.text }] : [];
    return {
      kind: "checked",
      covers: state.kind === "agrees" ? state.size : 0,
      time: sight.newest?.listed.modified ?? null,
      lock,
      problems: [...against, ...altered],
    };
  } finally {
    prover.close();
  }
}

async function missingBundles(vault: Vault, folder: string, size: number, signal: AbortSignal): Promise<readonly string[]> {
  const there = new Set<string>();
  const hidden: string[] = [];
  for await (const { key, bytes } of vault.list(`${folder}tile/entries/`, null, signal)) {
    if (bytes === null) hidden.push(`the entries ${key.slice(folder.length)} in vault ${vault.name} were hidden by a delete marker`);
    else there.add(key);
  }
  const missing: string[] = [];
  for (let start = 0; start < size; start += TILE_WIDTH) {
    const name = bundleName(start / TILE_WIDTH, Math.min(TILE_WIDTH, size - start));
    if (!there.has(folder + name)) missing.push(`the mirror in vault ${vault.name} lacks ${name}, which its checkpoint of size ${size} needs`);
  }
  return [...hidden, ...missing];
}

async function lockOf(vault: Vault, { note, listed }: Mirrored, signal: AbortSignal): Promise<LockWorth> {
  const { key, version } = listed;
  const checksum = { algorithm: "sha256", type: "full", value: hash("sha256", note, "base64"), partSize: String(note.length) } as const;
  // Only the worth of the lock is asked for; until when it was promised, the mirror itself does not remember.
  const asked = { mode: vault.mode, retainUntil: "1970-01-01T00:00:00Z", legalHold: false };
  const state = await vault.attest(
    { vault: vault.name, uri: vault.locate(key), key, version, bytes: note.length, checksum, asked, requestIds: [] },
    "identity",
    signal,
  );
  if (state.kind !== "present") return "unknown";
  return state.receipt.lock;
}

/**
 * What the mirror adds to an audit of the leaves: it can only take from the verdict, and only a lock that nobody can lift adds assurance.
 * One that cannot be reached could hold later checkpoints: an intact ledger is then unverifiable, unless it is `witnessed` now.
 */
export function withMirror(audit: LedgerAudit, mirror: MirrorAudit | null, witnessed: boolean): LedgerAudit {
  if (mirror === null) return audit;
  if (mirror.kind === "unreachable") {
    const unproven = audit.verdict === "intact" && !witnessed;
    const why = unproven ? "; no witness vouches for this head now either: that this home is not an older copy of itself is not proven" : "";
    return {
      ...audit,
      verdict: unproven ? "unverifiable" : audit.verdict,
      unreachable: [...audit.unreachable, "worm"],
      problems: [...audit.problems, { kind: "anchor-unchecked", seq: null, text: `the mirror: ${mirror.text}${why}` }],
    };
  }
  const problems = [...audit.problems, ...mirror.problems.map((problem) => ({ ...problem, seq: null }))];
  const counts = mirror.covers > 0 && mirror.lock === "irrevocable";
  const [worst] = (["fork", "rollback", "altered"] as const).filter((verdict) =>
    mirror.problems.some(({ kind }) => kind === (verdict === "altered" ? "anchor-altered" : verdict)),
  );
  return {
    ...audit,
    problems,
    verdict: audit.verdict === "intact" || audit.verdict === "unverifiable" ? (worst ?? audit.verdict) : audit.verdict,
    assurance: audit.assurance === "self" && counts ? "worm" : audit.assurance,
    anchors: mirror.covers > 0 ? ["worm", ...audit.anchors] : audit.anchors,
    covers: mirror.covers > 0 && mirror.time !== null ? [{ anchor: "worm", size: mirror.covers, time: mirror.time }, ...audit.covers] : audit.covers,
  };
}
