import type { Held, Holder } from "../../src/core/held.ts";
import { HoldfastError } from "../../src/core/error.ts";
import type { Aws } from "./aws.ts";

/** What became of locked snapshots: read back from EC2, never assumed. */
export function snapshotHolder(open: (signal: AbortSignal) => Promise<Aws>): Holder {
  return {
    attest: async (held, signal) => attestSnapshot(await open(signal), held),
    extend: async (held, _until, signal) => {
      await open(signal);
      throw new HoldfastError("unexpected", `${held.uri}: not yet`);
    },
  };
}

async function attestSnapshot(_aws: Aws, held: Held): ReturnType<Holder["attest"]> {
  return { kind: "unknown", text: `${held.uri}: not yet` };
}
