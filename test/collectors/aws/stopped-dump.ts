import { expect } from "vitest";
import type { Landing, OpenLanding } from "../../../src/core/landing.ts";
import { land, landingRequestOf } from "../../suite/landing-bench.ts";
import { type MemoryRig, partSize } from "./memory-rig.ts";
import type { Drive } from "./step-drive.ts";

/** Waits in the middle until a test says `go`. */
export const waiting =
  'head -c 400000 "$image" > "$out.a"; { cat "$out.a"; while [ ! -e /dev/shm/go ]; do sleep 0.2; done; tail -c +400001 "$image"; } > "$out"';

/** A dump that a person stops when three parts of it are in the vault. */
export async function stoppedDump(rig: MemoryRig, drive: Drive): Promise<OpenLanding> {
  const source = await rig.push(rig.collector(waiting), drive);
  const landing = await land(rig.vault, landingRequestOf(partSize));
  const stop = new AbortController();
  const arrived: Landing["arrived"] = async (signal) => {
    const seen = await landing.arrived(signal);
    if (seen.length >= 3) stop.abort();
    return seen;
  };
  await expect(source.push({ ...landing, arrived }, stop.signal)).rejects.toThrow();
  return landing;
}
