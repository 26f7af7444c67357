import type { Landing, OpenLanding } from "../../../src/core/landing.ts";
import type { PushSource, SourceReport } from "../../../src/core/source.ts";
import type { Vault } from "../../../src/core/vault.ts";
import { land, landingRequestOf } from "../../suite/landing-bench.ts";
import { never } from "../../suite/vault-bench.ts";

export type Landed = { readonly report: SourceReport; readonly bytes: Buffer };

/** As the runner takes what a target pushes: lets it push, makes the object of what arrived, reads it back. */
export async function takePushed(
  vault: Vault,
  source: PushSource,
  wish: { readonly landing?: OpenLanding; readonly through?: (landing: Landing) => Landing } = {},
): Promise<Landed> {
  const landing = wish.landing ?? (await land(vault, landingRequestOf(source.partSize)));
  await source.push(wish.through?.(landing) ?? landing, never);
  const parts = await landing.arrived(never);
  const pieces: Uint8Array[] = [];
  if (parts.length > 0) {
    const stored = await landing.complete(parts, never);
    for await (const piece of vault.read(stored, 0, stored.bytes, never)) {
      source.inspect(piece);
      pieces.push(Buffer.from(piece));
    }
  }
  const report = source.report();
  await source.close();
  return { report, bytes: Buffer.concat(pieces) };
}
