import type { Actor } from "../core/act.ts";
import type { Anchored } from "../core/anchored.ts";
import type { ActorSigner } from "../core/actor-signer.ts";
import type { Collector } from "../core/collector.ts";
import type { Config, VaultConfig } from "../core/config.ts";
import type { Jobs } from "../core/jobs.ts";
import type { Clock, Random } from "../core/ports.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { Target } from "../core/target.ts";
import type { Vault } from "../core/vault.ts";
import type { HomePaths } from "./home.ts";
import type { Anchoring } from "./anchoring.ts";
import type { Mirroring } from "./mirroring.ts";

/** The parts of a running Holdfast, opened when first asked for. Everything opened is closed by app.close(). */
export type Services = {
  readonly paths: HomePaths;
  readonly config: Config;
  readonly origin: string;
  /** C2SP verifier keys of the log, Ed25519 first. */
  readonly vkeys: readonly string[];
  readonly actor: Actor;
  /** The key of the configuration that signs for this actor; null where none is named. */
  signer(): Promise<ActorSigner | null>;
  readonly clock: Clock;
  readonly random: Random;
  jobs(): Jobs;
  /** Opened only once mirror and witnesses, where they can be asked, know no other history of this ledger. */
  recorder(): Promise<Recorder>;
  readonly mirror: Mirroring;
  readonly anchors: Anchoring;
  /** What a command recorded is anchored where it is time; nothing where it recorded nothing. */
  settleAnchors(signal: AbortSignal): Promise<readonly Anchored[]>;
  /** A fresh reader for one look, so that acts of other processes are seen. */
  reader<T>(look: (reader: Reader) => T): T;
  openReader(): Reader;
  vault(name: string): Promise<Vault>;
  /** The named vault, or the default one. */
  vaultConfig(name: string | null): { readonly name: string; readonly config: VaultConfig };
  vaultNames(): readonly string[];
  collector(target: Target): Promise<Collector>;
};
