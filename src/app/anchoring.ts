import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Anchored } from "../core/anchored.ts";
import type { Config } from "../core/config.ts";
import { HoldfastError } from "../core/error.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { LedgerAudit } from "../core/verdict.ts";
import { type AnchorPolicy, anchorNames, noAnchors } from "../ledger/anchors/anchor-policy.ts";
import { type AnchorState, readAnchorStates } from "../ledger/anchors/anchor-state.ts";
import { keptAnchors } from "../ledger/anchors/anchor-store.ts";
import { anchorNow, dueAnchors, remember, restedWitnesses, type Surroundings } from "../ledger/anchors/anchors.ts";
import { askWitnesses, type WitnessSays, withWitnesses } from "../ledger/anchors/ask-witnesses.ts";
import { parseWitnessKey } from "../ledger/anchors/cosignature.ts";
import { isUrgent, urgentFrom } from "../ledger/anchors/urgent-acts.ts";
import type { LedgerPaths } from "../ledger/store/paths.ts";
import { openReader } from "../ledger/read/reader.ts";
import type { Authority } from "../ledger/timestamps/timestamp.ts";
import type { HomePaths } from "./home.ts";
import { type Pace, pacedFlush } from "./paced-flush.ts";

/** Witnesses and timestamp authorities of the configuration (`anchors`). Nothing happens where none are named. */
export type Anchoring = {
  /** Before anything is signed: throws `rollback` or `fork` where as many witnesses as the quorum say so. Those that are down stop nothing. */
  guard(signal: AbortSignal): Promise<void>;
  /** Whether any is configured. */
  readonly some: boolean;
  /** Has the newest head anchored by all of them now; by none where none is configured. */
  now(signal: AbortSignal): Promise<readonly Anchored[]>;
  /** Has urgent acts anchored while a long command goes on: beside it, and never in its way. */
  watch(recorder: Recorder): Recorder;
  /**
   * The same by those for which it is time (something urgent, or ten minutes and something new), and the alarms of the others that
   * still stand. For the end of a command that recorded something.
   */
  settle(signal: AbortSignal): Promise<readonly Anchored[]>;
  /**
   * The audit with all kept proofs; `ask` asks the witnesses too, who tell of a whole home that was put back. Where `proven` says that
   * this is known otherwise, witnesses that are down leave nothing unproven.
   */
  audit(ask: boolean, proven: boolean, signal: AbortSignal): Promise<LedgerAudit>;
  /** How it went with each anchor of the configuration; null where it was never asked. */
  standing(): readonly { readonly anchor: string; readonly state: AnchorState | null }[];
  /** The anchors that keep a proof for each of the first so many acts, unchecked, by name. */
  kept(): ReadonlyMap<string, number>;
};

/** How long a command waits for a witness before it signs without its word, and an audit before it says that it was not there. Milliseconds. */
const PATIENCE = { guard: 5_000, audit: 20_000 };

/** Seals of one collection follow one another: not each of them needs a witness and a timestamp of its own. */
const PACE: Pace = { ms: 30_000, asks: isUrgent };

type Settled = { readonly kind: "asked"; readonly done: readonly Anchored[] } | { readonly kind: "failed"; readonly error: HoldfastError };

type Needs = Surroundings & { readonly paths: HomePaths; readonly config: Config };

export function anchoring(needs: Needs, pace: Pace = PACE): Anchoring {
  const { config, clock } = needs;
  const { ledger: paths } = needs.paths;
  const none = config.anchors.witnesses.length + config.anchors.timestamp.length === 0;
  let parsed: Promise<AnchorPolicy> | null = null;
  const policy = (): Promise<AnchorPolicy> => (parsed ??= policyOf(config, dirname(needs.paths.config)));
  const askDue = async (signal: AbortSignal): Promise<readonly Anchored[]> => {
    const trusted = await policy();
    const due = withReader((reader) => dueAnchors(paths, trusted, reader.size(), clock(), (from) => urgentFrom(reader, from)));
    return due.length === 0 ? [] : anchorNow(paths, trusted, due, needs, signal);
  };
  // An anchor that fails is told by settle and stops no act: only a mirror knows a history well enough for that.
  const paced = pacedFlush<Settled>(
    async (signal) => {
      try {
        return { kind: "asked", done: await askDue(signal) };
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        return { kind: "failed", error };
      }
    },
    ({ kind }) => kind === "asked",
    pace,
  );
  return {
    some: !none,
    watch: none ? (recorder) => recorder : paced.watch,
    async guard(signal) {
      if (none) return;
      const trusted = await policy(); // a wrong key or file is told before anything is collected
      let says: readonly WitnessSays[];
      try {
        says = await askWitnesses(paths, restedWitnesses(paths, trusted, clock()), null, needs.fetch, PATIENCE.guard, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HoldfastError) return; // a ledger that cannot be read is for the writer to name
        throw error;
      }
      const claims = says.flatMap(({ anchor, outcome }): Anchored[] =>
        outcome.kind === "rollback" || outcome.kind === "fork" ? [{ anchor, kind: outcome.kind, text: outcome.text }] : [],
      );
      if (claims.length === 0) return;
      remember(paths, claims, clock().toISOString());
      if (claims.length < trusted.quorum) return;
      const kind = claims.some((claim) => claim.kind === "fork") ? "fork" : "rollback";
      throw new HoldfastError(
        kind,
        `${kind.toUpperCase()}: the ledger here is not the one that was witnessed: ${claims.map((c) => ("text" in c ? c.text : "")).join("; ")}. Nothing is signed; keep all files for examination and run holdfast ledger audit`,
      );
    },
    async now(signal) {
      if (none) return [];
      const trusted = await policy();
      return anchorNow(paths, trusted, anchorNames(trusted), needs, signal);
    },
    async settle(signal) {
      if (none) return [];
      const settled = await paced.settle(signal);
      if (settled?.kind === "failed") throw settled.error;
      const done = settled?.done ?? (await askDue(signal));
      return [...done, ...standingAlarms(paths, await policy(), done)];
    },
    async audit(ask, proven, signal) {
      const trusted = none ? noAnchors : await policy();
      const { auditLedger } = await import("../ledger/audit/audit.ts"); // a collection begins without it
      const found = await auditLedger(paths, signal, trusted);
      // A ledger that is damaged here has nothing that a witness should be asked to vouch for.
      if (!ask || found.verdict !== "intact") return found;
      return withWitnesses(
        found,
        await askWitnesses(paths, trusted, found.found, needs.fetch, PATIENCE.audit, signal),
        proven ? 0 : trusted.quorum,
        trusted.quorum,
      );
    },
    standing() {
      if (none) return [];
      const states = readAnchorStates(paths);
      const names = [...config.anchors.witnesses.map(({ name }) => `witness:${name}`), ...config.anchors.timestamp.map(({ name }) => `rfc3161:${name}`)];
      return names.map((anchor) => ({ anchor, state: states[anchor] ?? null }));
    },
    kept: () => keptAnchors(paths),
  };

  function withReader<T>(look: (reader: Reader) => T): T {
    const reader = openReader(paths);
    try {
      return look(reader);
    } finally {
      reader.close();
    }
  }
}

/** An alarm is told with every command until the anchor takes it back: one look away must not be enough to miss it. */
function standingAlarms(paths: LedgerPaths, policy: AnchorPolicy, done: readonly Anchored[]): readonly Anchored[] {
  const states = readAnchorStates(paths);
  return anchorNames(policy).flatMap((anchor): Anchored[] => {
    const trouble = states[anchor]?.trouble ?? null;
    if (trouble === null || done.some((one) => one.anchor === anchor)) return [];
    return trouble.kind === "rollback" || trouble.kind === "fork" ? [{ anchor, kind: trouble.kind, text: trouble.text }] : [];
  });
}

async function policyOf({ anchors }: Config, folder: string): Promise<AnchorPolicy> {
  const witnesses = anchors.witnesses.map(({ name, url, vkey }, i) => ({ name, url, key: parseWitnessKey(vkey, `anchors.witnesses[${i}].vkey`) }));
  const authorities: Authority[] = [];
  for (const [i, { name, url, ca, policy }] of anchors.timestamp.entries()) {
    const { parseTrust } = await import("../ledger/timestamps/timestamp-chain.ts");
    authorities.push({ name, url, policy, trust: parseTrust(await pemOf(resolve(folder, ca), `anchors.timestamp[${i}].ca`), `anchors.timestamp[${i}].ca`) });
  }
  return { witnesses, authorities, quorum: anchors.quorum };
}

async function pemOf(file: string, field: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new HoldfastError("config", `${field}: ${file} cannot be read; it has to hold the root certificate of the authority as PEM`, error);
  }
}
