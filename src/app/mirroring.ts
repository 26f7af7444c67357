import type { Config } from "../core/config.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import { wholeSecond } from "../core/retention.ts";
import type { Recorder } from "../core/recorder.ts";
import type { Vault } from "../core/vault.ts";
import { parseDuration } from "../core/window.ts";
import { readVkeys } from "../ledger/keys/log-keys.ts";
import type { MirrorAudit } from "../ledger/mirror/mirror-audit.ts";
import { demandAgreement, judgeMirror } from "../ledger/mirror/mirror-judge.ts";
import { mirrorLedger } from "../ledger/mirror/mirror-ledger.ts";
import { lookAtMirror } from "../ledger/mirror/mirror-look.ts";
import { openProver } from "../ledger/read/proof-of.ts";
import type { ActDraft } from "../core/act.ts";
import type { Anchored } from "../core/anchored.ts";
import { readAnchorStates } from "../ledger/anchors/anchor-state.ts";
import { remember } from "../ledger/anchors/anchors.ts";
import { type Pace, pacedFlush } from "./paced-flush.ts";
import type { Services } from "./services.ts";

/** How the mirror stands beside the ledger. Sizes are numbers of acts. */
export type MirrorStanding = {
  readonly vault: string;
  /** Acts of the ledger that the mirror does not hold yet; null where it could not be asked. */
  readonly pending: number | null;
  readonly mirrored: number | null;
  /** Second versions, delete markers, foreign checkpoints: somebody was at the mirror. */
  readonly alarms: readonly string[];
  /** Why nothing could be asked or written, or what it knows against this ledger; null where all is well. */
  readonly trouble: { readonly kind: "broken" | "rollback" | "fork"; readonly text: string } | null;
};

/** The WORM mirror of the ledger (configuration `anchors.worm`). Null everywhere where none is configured. */
export type Mirroring = {
  /** Before anything is signed. Throws `rollback` or `fork`; a mirror that cannot be asked stops nothing. */
  guard(signal: AbortSignal): Promise<void>;
  /** Brings it up to the head. Throws `rollback` or `fork`; whatever else goes wrong is `trouble`, and is tried again next time. */
  flush(signal: AbortSignal): Promise<MirrorStanding | null>;
  /** Remembers that acts were recorded, and mirrors a second later what is an end: of a collection, or an act outside one. */
  watch(recorder: Recorder): Recorder;
  /** Mirrors what was recorded and is not mirrored yet; null where nothing was. Throws as `flush`. For the end of a command. */
  settle(signal: AbortSignal): Promise<MirrorStanding | null>;
  /** How many acts it was last seen to hold, from memory: nothing is asked. 0 where none is configured. */
  covered(): number;
  /** Asks how it stands, and writes nothing. Never throws but for the signal. */
  standing(signal: AbortSignal): Promise<MirrorStanding | null>;
  audit(signal: AbortSignal): Promise<MirrorAudit | null>;
};

/** How long a command waits for a mirror that does not answer before it goes on without. Milliseconds. */
const PATIENCE: Patience = { look: 10_000, write: 30_000, audit: 120_000 };
type Patience = { readonly look: number; readonly write: number; readonly audit: number };

/** design.md: at the end of every collection and of every custody act outside one, at most one a second. */
const PACE: Pace = { ms: 1_000, asks: ({ act, collection }: ActDraft) => collection === null || act === "finished" || act === "cancelled" };

type Needs = Pick<Services, "paths" | "config" | "vault" | "clock">;

export function mirroring(services: Needs, patience: Patience = PATIENCE): Mirroring {
  const name = services.config.anchors.worm;
  const { ledger: paths } = services.paths;
  const open = async (vault: string): Promise<Vault> => services.vault(vault);
  const flush = async (signal: AbortSignal): Promise<MirrorStanding | null> => {
    if (name === null) return null;
    try {
      const { size, alarms } = await withPatience(patience.write, signal, async (until, moved) =>
        mirrorLedger(paths, { vault: await open(name), retainUntil: longest(services.config, services.clock()), progress: moved }, until),
      );
      note({ anchor: "worm", kind: "anchored", size, time: services.clock().toISOString(), text: `mirrored in vault ${name}` });
      return { vault: name, pending: 0, mirrored: size, alarms, trouble: null };
    } catch (error) {
      signal.throwIfAborted();
      note({ anchor: "worm", kind: historyOf(error) ?? "broken", text: describeError(error) });
      return { vault: name, pending: null, mirrored: null, alarms: [], trouble: { kind: "broken", text: passTrouble(signal)(error) } };
    }
  };
  /** For receipts and people. Where it cannot be written the mirror is not named on a receipt: never the other way round. */
  const note = (one: Anchored): void => {
    try {
      remember(paths, [one], services.clock().toISOString());
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    }
  };
  const pace = pacedFlush(flush, ({ trouble }) => trouble === null, PACE);
  return {
    flush: pace.flush,
    settle: pace.settle,
    watch: name === null ? (recorder) => recorder : pace.watch,
    covered: () => (name === null ? 0 : (readAnchorStates(paths)["worm"]?.size ?? 0)),
    async guard(signal) {
      if (name === null) return;
      await withPatience(patience.look, signal, async (until) => {
        await look(await open(name), until);
      }).catch(passTrouble(signal));
    },
    async standing(signal) {
      if (name === null) return null;
      try {
        return await withPatience(patience.look, signal, async (until) => {
          const { size, head, alarms } = await look(await open(name), until);
          return { vault: name, pending: head - size, mirrored: size, alarms, trouble: null };
        });
      } catch (error) {
        signal.throwIfAborted();
        return { vault: name, pending: null, mirrored: null, alarms: [], trouble: { kind: historyOf(error) ?? "broken", text: describeError(error) } };
      }
    },
    async audit(signal) {
      if (name === null) return null;
      const { auditMirror } = await import("../ledger/mirror/mirror-audit.ts"); // a collection begins without it
      try {
        return await withPatience(patience.audit, signal, async (until) => auditMirror(paths, await open(name), until));
      } catch (error) {
        signal.throwIfAborted();
        return { kind: "unreachable", text: describeError(error) };
      }
    },
  };

  async function look(vault: Vault, signal: AbortSignal): Promise<{ readonly size: number; readonly head: number; readonly alarms: readonly string[] }> {
    const keys = readVkeys(paths.keys);
    const prover = openProver(paths);
    try {
      const sight = await lookAtMirror(vault, keys, prover.head().checkpoint.size, signal);
      const { checkpoint } = prover.head();
      const state = judgeMirror(vault.name, sight, checkpoint, prover);
      demandAgreement(keys.origin, state);
      return { size: state.kind === "agrees" ? state.size : 0, head: checkpoint.size, alarms: sight.alarms };
    } finally {
      prover.close();
    }
  }
}

/** A mirror that is down or lies about itself never stops an act; one that knows another history does. Gives the trouble as text. */
function passTrouble(signal: AbortSignal): (error: unknown) => string {
  return (error) => {
    signal.throwIfAborted();
    if (historyOf(error) !== null) throw error;
    return describeError(error);
  };
}

function historyOf(error: unknown): "rollback" | "fork" | null {
  return error instanceof HoldfastError && (error.code === "rollback" || error.code === "fork") ? error.code : null;
}

/** Gives up when nothing has moved for so long. */
async function withPatience<T>(ms: number, signal: AbortSignal, work: (signal: AbortSignal, moved: () => void) => Promise<T>): Promise<T> {
  const patience = new AbortController();
  const give = (): void => patience.abort(new HoldfastError("vault", `no answer within ${ms / 1000} s; it is tried again with the next act`));
  let timer = setTimeout(give, ms);
  const moved = (): void => {
    clearTimeout(timer);
    timer = setTimeout(give, ms);
  };
  try {
    return await work(AbortSignal.any([signal, patience.signal]), moved);
  } finally {
    clearTimeout(timer);
  }
}

/** The end of the longest retention that this configuration knows: the custody record must outlive what it speaks of. */
export function longest({ retention, vaults }: Config, now: Date): string {
  const durations = [...Object.values(retention.classes), ...Object.values(retention.byKind), ...Object.values(vaults).map(({ retain }) => retain)];
  return wholeSecond(new Date(now.getTime() + Math.max(...["30d", ...durations].map((text) => parseDuration(text, "retention")))));
}
