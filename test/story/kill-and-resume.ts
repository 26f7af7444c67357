import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CollectJson, holdfastJson, type RunOptions, startHoldfast } from "./holdfast.ts";

type StatusJson = {
  readonly collections: readonly {
    readonly collection: string;
    readonly state: string;
    readonly steps: readonly { readonly state: string; readonly bytes: { readonly done: string } }[];
  }[];
};

export type Killed = { readonly collection: string; readonly kills: number; readonly result: CollectJson; readonly code: number | null };

/**
 * Starts a collection and kills it -9 at random moments, resuming each time, until it has been killed `kills` times or has
 * ended; then resumes it to the end. `random` gives [0, 1); `spanMs` is the longest life of a killed run.
 */
export async function killAndResume(args: readonly string[], options: RunOptions, kills: number, spanMs: number, random: () => number): Promise<Killed> {
  let collection: string | null = null;
  let killed = 0;
  for (let round = 0; round < kills * 4 && killed < kills; round++) {
    const { child, ended } = startHoldfast(collection === null ? ["--json", ...args] : ["--json", "resume", collection], options);
    await Promise.race([sleep(Math.ceil(random() * spanMs)), ended]);
    if (child.exitCode === null) {
      child.kill("SIGKILL");
      killed += 1;
    }
    await ended;
    if (options.home !== undefined && !existsSync(join(options.home, "ledger"))) continue; // killed before there was a home
    const { json } = await holdfastJson<StatusJson>(["status"], options);
    if (json.collections.length > 1) throw new Error(`one was asked for, ${json.collections.length} collections are there`);
    collection = json.collections[0]?.collection ?? null;
    if (json.collections[0]?.state === "finished") break;
  }
  if (collection === null) throw new Error("killed each time before the collection was registered; give it a longer span");
  const { json, code } = await holdfastJson<CollectJson>(["resume", collection], options);
  return { collection, kills: killed, result: json, code };
}

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
