import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parse as parseYaml } from "yaml";
import { type Config, parseConfig } from "../core/config.ts";
import { describeError, HoldfastError, systemCode } from "../core/error.ts";
import type { Clock, Random } from "../core/ports.ts";
import { createLedger } from "../ledger/write/create-ledger.ts";
import type { LedgerPaths } from "../ledger/store/paths.ts";

export type HomePaths = {
  readonly home: string;
  readonly config: string;
  readonly work: string;
  readonly ledgerDir: string;
  readonly ledger: LedgerPaths;
};

export function homePaths(home: string, config: string | null): HomePaths {
  const root = resolve(home);
  const ledgerDir = join(root, "ledger");
  return {
    home: root,
    config: config === null ? join(root, "holdfast.yaml") : resolve(config),
    work: join(root, "work.db"),
    ledgerDir,
    ledger: ledgerPaths(ledgerDir),
  };
}

function ledgerPaths(dir: string): LedgerPaths {
  return { ledger: join(dir, "ledger.db"), head: join(dir, "head.db"), keys: join(dir, "keys") };
}

/** The configuration file; absent gives the defaults, unless it was named. */
export async function readConfig(path: string, named: boolean): Promise<Config> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT" && !named) return parseConfig(undefined);
    throw new HoldfastError("config", `the configuration ${path} cannot be read`, error);
  }
  let value: unknown;
  try {
    value = parseYaml(text, { prettyErrors: true });
  } catch (error) {
    throw new HoldfastError("config", `the configuration ${path} is not YAML: ${describeError(error)}`, error);
  }
  return parseConfig(value ?? undefined);
}

/**
 * Makes the ledger of a fresh home: key, empty tree, head. It is built beside its place and moved there whole, so that a crash
 * leaves no half-made ledger and of two first commands at once exactly one wins. True if this call made it.
 */
export async function ensureLedger(paths: HomePaths, origin: string | null, clock: Clock, random: Random): Promise<boolean> {
  return buildLedger(paths, random, async (building) => {
    createLedger(building, origin ?? newOrigin(random), random, clock);
  });
}

/** An origin that is nobody's URL: it cannot be resolved, and names only this log. */
export function newOrigin(random: Random): string {
  return `holdfast.invalid/l/${Buffer.from(random(8)).toString("hex")}`;
}

/** Builds a home's ledger beside its place and moves it there whole. False where there is one already; what was built is then removed. */
export async function buildLedger(paths: HomePaths, random: Random, build: (building: LedgerPaths) => Promise<void>): Promise<boolean> {
  // The folder, not the file: a ledger whose database was deleted is a rollback to be named, never a fresh home.
  if (await exists(paths.ledgerDir)) return false;
  const suffix = Buffer.from(random(6)).toString("hex");
  const building = `${paths.ledgerDir}.new-${suffix}`;
  try {
    await mkdir(building, { recursive: true, mode: 0o700 });
    await build(ledgerPaths(building));
    await rename(building, paths.ledgerDir);
    return true;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    const code = systemCode(error);
    if ((code === "ENOTEMPTY" || code === "EEXIST") && (await exists(paths.ledgerDir))) return false;
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("ledger", `the home ${paths.home} cannot be made; check that you may write there and that there is space`, error);
  }
}

/** Whether the home has a ledger, whole or not. */
export async function hasLedger(paths: HomePaths): Promise<boolean> {
  return exists(paths.ledgerDir);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return false;
    throw new HoldfastError("ledger", `${path} cannot be read; check the rights of the home`, error);
  }
}
