import type { AnchorName } from "../../core/anchored.ts";
import type { Authority } from "../timestamps/timestamp.ts";
import type { Witness } from "./witness-client.ts";

/** Who outside vouches for heads, with the keys that they are known by. `quorum` of the witnesses make a head witnessed. */
export type AnchorPolicy = { readonly witnesses: readonly Witness[]; readonly authorities: readonly Authority[]; readonly quorum: number };

export const noAnchors: AnchorPolicy = { witnesses: [], authorities: [], quorum: 0 };

export function anchorNames(policy: AnchorPolicy): readonly AnchorName[] {
  return [...policy.witnesses.map(({ name }) => `witness:${name}` as const), ...policy.authorities.map(({ name }) => `rfc3161:${name}` as const)];
}
