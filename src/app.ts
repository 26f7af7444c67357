import { randomBytes } from "node:crypto";
import { statfs } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { type Actors, actors } from "./app/actors.ts";
import { type Cases, cases } from "./app/cases.ts";
import { type Checking, checking } from "./app/checking.ts";
import { type Collecting, collecting } from "./app/collecting.ts";
import { type Custodying, custodying } from "./app/custodying.ts";
import { type Exporting, exporting } from "./app/exporting.ts";
import { homePaths, readConfig } from "./app/home.ts";
import { type HandingOver, handingOver } from "./app/handing-over.ts";
import { type HomeWish, openServices, type Surroundings } from "./app/open-services.ts";
import { type Keying, keying } from "./app/keying.ts";
import { type Policing, policing } from "./app/policing.ts";
import { type Reconciling, reconciling } from "./app/reconciling.ts";
import { type Restoring, restoring } from "./app/restoring.ts";
import type { Services } from "./app/services.ts";
import { type Sweeping, sweeping } from "./app/sweeping.ts";
import { toolIdentity } from "./app/tool-digest.ts";
import { HoldfastError } from "./core/error.ts";
import type { Environment } from "./core/ports.ts";

/** A running Holdfast on one home: what CLI, API and portal speak to. */
export type App = {
  readonly services: Services;
  readonly cases: Cases;
  readonly collecting: Collecting;
  readonly custodying: Custodying;
  readonly handingOver: HandingOver;
  readonly actors: Actors;
  readonly checking: Checking;
  readonly exporting: Exporting;
  readonly keying: Keying;
  readonly policing: Policing;
  readonly reconciling: Reconciling;
  readonly restoring: Restoring;
  readonly sweeping: Sweeping;
  close(): Promise<void>;
};

export type AppOptions = {
  readonly home: string | null;
  readonly config: string | null;
  readonly wants: HomeWish;
};

/** The composition root: the only reader of the environment and of the real clock. Makes a fresh home only where that is wished. */
export async function openApp(options: AppOptions): Promise<App> {
  const around = surroundings();
  const paths = homePaths(
    options.home ?? set(around.environment, "HOLDFAST_HOME") ?? (await defaultHome()),
    options.config ?? set(around.environment, "HOLDFAST_CONFIG"),
  );
  const config = await readConfig(paths.config, options.config !== null || set(around.environment, "HOLDFAST_CONFIG") !== null);
  const services = await openServices(paths, config, options.wants, around);
  const collections = collecting(services);
  return {
    services,
    cases: cases(services),
    collecting: collections,
    custodying: custodying(services),
    handingOver: handingOver(services),
    actors: actors(services),
    checking: checking(services, collections, freeBytes),
    exporting: exporting(services),
    keying: keying(services),
    policing: policing(services),
    reconciling: reconciling(services),
    restoring: restoring(services, () => openServices(paths, config, { kind: "existing" }, around)),
    sweeping: sweeping(services),
    close: () => services.close(),
  };
}

function surroundings(): Surroundings {
  const user = account();
  return {
    environment: process.env,
    clock: () => new Date(),
    random: (bytes) => randomBytes(bytes),
    fetch: globalThis.fetch,
    machine: hostname(),
    pid: process.pid,
    platform: process.platform,
    arch: process.arch,
    uid: user.uid,
    user: user.name,
    tool: toolIdentity(fileURLToPath(new URL("..", import.meta.url)), process.version),
  };
}

/** Who runs this. A container's user id often has no passwd entry, and then Node knows no name. */
function account(): { readonly uid: number; readonly name: string } {
  try {
    const { uid, username } = userInfo();
    return { uid, name: username };
  } catch {
    const uid = process.getuid?.() ?? -1;
    return { uid, name: `uid-${uid}` };
  }
}

/** The user's data folder. Loaded only when asked for: without a passwd entry and HOME, the module itself cannot be loaded. */
async function defaultHome(): Promise<string> {
  try {
    const { default: envPaths } = await import("env-paths");
    return envPaths("holdfast", { suffix: "" }).data;
  } catch (error) {
    throw new HoldfastError("config", "this user has no home folder; say with --home or HOLDFAST_HOME where Holdfast's home is", error);
  }
}

function set(environment: Environment, name: string): string | null {
  const value = environment[name];
  return value === undefined || value === "" ? null : value;
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
