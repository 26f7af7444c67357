import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { actDraft } from "../core/act-draft.ts";
import type { Actor, Tool } from "../core/act.ts";
import type { ActorSigner } from "../core/actor-signer.ts";
import type { Config, VaultConfig } from "../core/config.ts";
import { HoldfastError } from "../core/error.ts";
import type { Collector } from "../core/collector.ts";
import type { Jobs } from "../core/jobs.ts";
import { nearest } from "../core/nearest.ts";
import type { Clock, Environment, Fetch, Random } from "../core/ports.ts";
import type { Recorder } from "../core/recorder.ts";
import { entryOf } from "../core/shape.ts";
import type { Vault } from "../core/vault.ts";
import { embeddedJobs } from "../jobs/embedded-jobs.ts";
import { ownerOf } from "../jobs/owner.ts";
import { formatVkey } from "../ledger/keys/log-key.ts";
import { readVkeys } from "../ledger/keys/log-keys.ts";
import { openReader } from "../ledger/read/reader.ts";
import { currentKeys } from "../ledger/keys/vkey-list.ts";
import { openCollector } from "./open-collector.ts";
import { ensureLedger, hasLedger, type HomePaths } from "./home.ts";
import { anchoring } from "./anchoring.ts";
import { mirroring } from "./mirroring.ts";
import type { Services } from "./services.ts";

/** The directory vault that every home has, so that a first collection needs no configuration. */
const here: VaultConfig = { kind: "directory", path: "./vault", retain: "30d" };

export type Surroundings = {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: Fetch;
  readonly machine: string;
  readonly pid: number;
  readonly platform: string;
  readonly arch: string;
  readonly uid: number;
  readonly user: string;
  readonly tool: Tool;
};

/**
 * What a command needs of the home. `make`: a fresh one is made; `origin` only matters then. `existing`: a mistyped --home must
 * not look like an intact, empty ledger. `any`: it reads nothing of it.
 */
export type HomeWish = { readonly kind: "make"; readonly origin: string | null } | { readonly kind: "existing" } | { readonly kind: "any" };

/** Opens the parts of a home as they are asked for. `close` closes what was opened. */
export async function openServices(paths: HomePaths, config: Config, wants: HomeWish, around: Surroundings): Promise<Services & { close(): Promise<void> }> {
  const made = wants.kind === "make" && (await ensureLedger(paths, wants.origin ?? config.origin, around.clock, around.random));
  const there = made || (await hasLedger(paths));
  if (!there && wants.kind === "existing")
    throw new HoldfastError("config", `there is no Holdfast home at ${paths.home}; check --home or HOLDFAST_HOME, or make one with \`holdfast init\``);
  const { origin, vkeys } = there ? readVkeys(paths.ledger.keys) : { origin: config.origin ?? "", vkeys: [] };
  if (there && config.origin !== null && config.origin !== origin)
    throw new HoldfastError(
      "config",
      `origin: the configuration says ${config.origin}, but this home's ledger is ${origin}; an origin is for ever, use another home`,
    );
  const actor: Actor = { id: config.actor?.id ?? `${around.user}@${around.machine}`, kind: config.actor?.kind ?? "person", proof: "asserted" };
  const vaults: Readonly<Record<string, VaultConfig>> = { here, ...config.vaults };
  const openVaults = new Map<string, Promise<Vault>>();
  const openCollectors = new Map<string, Promise<Collector>>();
  const forever = new AbortController().signal;
  let jobs: Jobs | null = null;
  let recorder: Promise<Recorder> | null = null;
  let signer: Promise<ActorSigner | null> | null = null;

  const vault = (name: string): Promise<Vault> => {
    const open = openVaults.get(name) ?? openVault(name, services.vaultConfig(name).config, paths, around);
    openVaults.set(name, open);
    return open;
  };
  const anchors = anchoring({ paths, config, fetch: around.fetch, clock: around.clock, random: around.random });
  const mirror = mirroring({ paths, config, vault, clock: around.clock });

  const services: Services = {
    mirror,
    anchors,
    settleAnchors: async (signal) => (recorder === null ? [] : anchors.settle(signal)),
    paths,
    config,
    origin,
    vkeys: currentKeys(vkeys).map(formatVkey),
    actor,
    clock: around.clock,
    random: around.random,
    signer: () => (signer ??= openSigner(config, paths, around)),
    jobs: () => (jobs ??= embeddedJobs(paths.work, ownerOf(around.pid, around.machine), around.clock)),
    recorder: () =>
      (recorder ??= Promise.all([mirror.guard(forever), anchors.guard(forever)]).then(async () =>
        anchors.watch(mirror.watch(await openWriter(paths, origin, around, await services.signer()))),
      )),
    reader(look) {
      const reader = openReader(paths.ledger);
      try {
        return look(reader);
      } finally {
        reader.close();
      }
    },
    openReader: () => openReader(paths.ledger),
    vaultConfig(name) {
      const wanted = name ?? config.defaultVault ?? "here";
      const found = entryOf(vaults, wanted);
      if (found === undefined) {
        const guess = nearest(wanted, Object.keys(vaults));
        throw new HoldfastError(
          "config",
          `there is no vault ${JSON.stringify(wanted)}${guess === null ? "" : `; did you mean ${guess}?`}; known: ${Object.keys(vaults).join(", ")}`,
        );
      }
      return { name: wanted, config: found };
    },
    vaultNames: () => [...new Set([config.defaultVault ?? "here", ...Object.keys(config.vaults)])],
    vault,
    collector(target) {
      const open = openCollectors.get(target.id) ?? openCollector(target, config, dirname(paths.config), around, ownFolders(paths, Object.values(vaults)));
      openCollectors.set(target.id, open);
      return open;
    },
  };
  if (made) {
    const writer = await services.recorder();
    await writer.append([actDraft("home-made", actor, { once: "home-made", detail: { origin } })]);
  }
  return {
    ...services,
    async close() {
      for (const collector of openCollectors.values()) await (await collector.catch(() => null))?.close();
      for (const vault of openVaults.values()) (await vault.catch(() => null))?.close();
      await (await recorder?.catch(() => null))?.close();
      jobs?.close();
    },
  };
}

/** The key that the configuration names. Read when the first act is written: who only looks needs none. */
async function openSigner(config: Config, paths: HomePaths, around: Surroundings): Promise<ActorSigner | null> {
  const actor = config.actor;
  if (actor === null || actor.key === null) return null;
  const { sshSigner } = await import("./ssh-signer.ts");
  return sshSigner({ actor: actor.id, keyFile: actor.key, configFolder: dirname(paths.config), environment: around.environment });
}

async function openWriter(paths: HomePaths, origin: string, around: Surroundings, signer: ActorSigner | null): Promise<Recorder> {
  const { openRecorder } = await import("../ledger/write/writer.ts");
  return openRecorder({
    paths: paths.ledger,
    origin,
    clock: around.clock,
    clockQuality: { offsetMs: null, uncertaintyMs: null, source: "system clock, not measured against a time source" },
    random: around.random,
    tool: around.tool,
    signer,
  });
}

async function openVault(name: string, config: VaultConfig, paths: HomePaths, around: Surroundings): Promise<Vault> {
  switch (config.kind) {
    case "directory": {
      const { openDirectoryVault } = await import("../vault/directory.ts");
      return openDirectoryVault({ name, root: vaultRoot(config.path, paths), clock: around.clock, random: around.random });
    }
    case "s3": {
      const { openS3Vault } = await import("../vault/s3.ts");
      return openS3Vault({ name, ...config, clock: around.clock, random: around.random });
    }
    default:
      return config satisfies never;
  }
}

/** The keys, and what vaults here are writing: real paths of those that are there. */
function ownFolders(paths: HomePaths, vaults: readonly VaultConfig[]): readonly string[] {
  const folders = [paths.ledgerDir, ...vaults.flatMap((vault) => (vault.kind === "directory" ? [vaultRoot(vault.path, paths)] : []))];
  return folders.flatMap((folder) => (existsSync(folder) ? [realpathSync(folder)] : []));
}

function vaultRoot(path: string, paths: HomePaths): string {
  return isAbsolute(path) ? path : join(dirname(paths.config), path);
}
