import { actDraft } from "../core/act-draft.ts";
import type { ActDraft } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import type { Vault } from "../core/vault.ts";
import { checkpointId } from "../ledger/format/checkpoint.ts";
import { createLedger } from "../ledger/write/create-ledger.ts";
import { type KeyFiles, openKeys } from "../ledger/keys/key-backup.ts";
import { installKeys, type LogVkeys } from "../ledger/keys/log-keys.ts";
import { mirroredLogs } from "../ledger/mirror/mirrored-log.ts";
import { newestMirrored, rebuildLedger } from "../ledger/mirror/restore-ledger.ts";
import { parseVkeys } from "../ledger/keys/vkey-list.ts";
import { buildLedger, hasLedger, newOrigin } from "./home.ts";
import type { Services } from "./services.ts";

export type RestoreWish = {
  readonly vault: string;
  /** The text of a key backup, and its passphrase. Null: the keys are lost, and so is the origin. */
  readonly keys: { readonly backup: string; readonly passphrase: string } | null;
  /** Which of the logs that the vault mirrors; null where there is only one. */
  readonly origin: string | null;
  /** The origin to go on under where the keys are lost; null: one is made. */
  readonly newOrigin: string | null;
  readonly reason: string;
};

export type Restored = {
  /** The origin that goes on: the old one, or a new one. */
  readonly origin: string;
  readonly continued: boolean;
  readonly from: { readonly origin: string; readonly size: string; readonly root: string };
  /** What nobody can say any more. */
  readonly gap: string;
};

export type Restoring = { restore(wish: RestoreWish, signal: AbortSignal): Promise<Restored> };

type Reopen = () => Promise<Services & { close(): Promise<void> }>;

/** Brings a lost home's ledger back from its mirror. */
export function restoring(services: Pick<Services, "paths" | "config" | "vault" | "vaultConfig" | "clock" | "random">, reopen: Reopen): Restoring {
  const { paths, clock, random } = services;
  return {
    async restore(wish, signal) {
      if (await hasLedger(paths))
        throw new HoldfastError(
          "refused",
          `${paths.home} has a ledger; nothing is written over it. Move ${paths.ledgerDir} away, and keep it: it may show what happened`,
        );
      const vault = await services.vault(services.vaultConfig(wish.vault).name);
      const backup = wish.keys === null ? null : await openKeys(wish.keys.backup, wish.keys.passphrase);
      const keys = backup === null ? await mirroredKeys(vault, wish.origin, signal) : keysOf(backup, wish.origin);
      const mirrored = await newestMirrored(vault, keys, signal);
      const old = checkpointId(mirrored.checkpoint);
      const gap = `what was recorded under ${old.origin} after its ${old.size} mirrored acts, if anything was, is not here`;
      const origin = backup === null ? freshOrigin(services, wish.newOrigin, old.origin) : old.origin;
      const built = await buildLedger(paths, random, async (building) => {
        if (backup === null) createLedger(building, origin, random, clock);
        else {
          installKeys(building.keys, backup.files);
          await rebuildLedger(building, vault, mirrored, { clock, random }, signal);
        }
      });
      if (!built) throw new HoldfastError("refused", `${paths.home} got a ledger meanwhile; nothing was written over it`);
      await record(reopen, wish, { vault: vault.name, continued: backup !== null, from: old, gap });
      return { origin, continued: backup !== null, from: old, gap };
    },
  };
}

function freshOrigin({ config, random }: Pick<Services, "config" | "random">, wanted: string | null, old: string): string {
  const origin = wanted ?? (config.origin === old ? null : config.origin) ?? newOrigin(random);
  if (origin === old)
    throw new HoldfastError(
      "refused",
      `${old} cannot go on without its keys: an origin has one history, signed by its own keys; choose another with --new-origin`,
    );
  if (config.origin !== null && config.origin !== origin)
    throw new HoldfastError(
      "config",
      `origin: the configuration says ${config.origin}, and without its keys a new origin begins; write the new one there, or take the key out`,
    );
  return origin;
}

/** Opening the writer hashes every leaf again and holds the mirror against it, before the first act is signed. */
async function record(reopen: Reopen, { reason }: RestoreWish, detail: ActDraft["detail"]): Promise<void> {
  const services = await reopen();
  try {
    const recorder = await services.recorder();
    // Under a new origin this is entry 0, where a home is otherwise made.
    const once = detail["continued"] === true ? null : "home-made";
    await recorder.append([actDraft("restored", services.actor, { reason, once, detail })]);
    await services.mirror.settle(new AbortController().signal);
  } finally {
    await services.close();
  }
}

function keysOf({ origin, files }: { readonly origin: string; readonly files: KeyFiles }, wanted: string | null): LogVkeys {
  if (wanted !== null && wanted !== origin) throw new HoldfastError("usage", `--origin: the key backup is of the log ${origin}, not of ${wanted}`);
  return parseVkeys(files["log.vkey"] ?? "", "log.vkey in the key backup");
}

async function mirroredKeys(vault: Vault, wanted: string | null, signal: AbortSignal): Promise<LogVkeys> {
  const logs = await mirroredLogs(vault, signal);
  const found = wanted === null ? logs : logs.filter(({ origin }) => origin === wanted);
  const [only, ...others] = found;
  const names = logs.map(({ origin }) => origin).join(", ");
  if (only === undefined)
    throw new HoldfastError(
      "usage",
      `vault ${vault.name} mirrors no log${wanted === null ? "" : ` ${wanted}`}; ${names === "" ? "it holds none" : `it has ${names}`}`,
    );
  if (others.length > 0) throw new HoldfastError("usage", `vault ${vault.name} mirrors several logs; say which with --origin: ${names}`);
  return only;
}
