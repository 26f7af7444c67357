import type { Json } from "../../../src/core/act.ts";
import { mapOf } from "./snapshot-set.ts";

/** What a copy step leaves for its next attempt and for cleanup: written before each call that changes something. */
export type CopyMemory = {
  /** On the copies' tags, chosen before they are asked for: nobody can have put it on anything earlier. */
  once: string | null;
  /** The copy under the account's own key, where there had to be one. */
  inner: string | null;
  innerAsked: boolean;
  /** Which snapshot may be shared, and with whom; `ending` from when it is being withdrawn. */
  sharing: { readonly snapshot: string; readonly account: string; readonly ending: boolean } | null;
  /** How often it was shared: names the acts. */
  shares: number;
  /** The copy in the evidence account. */
  copy: string | null;
  copyAsked: boolean;
  /** Copies that ended in error. */
  failed: string[];
};

export function copyMemory(json: Json): CopyMemory {
  const { once, inner, innerAsked, sharing, shares, copy, copyAsked, failed } = mapOf(json);
  const { snapshot, account, ending } = mapOf(sharing);
  return {
    once: typeof once === "string" ? once : null,
    inner: typeof inner === "string" ? inner : null,
    innerAsked: innerAsked === true,
    sharing: typeof snapshot === "string" && typeof account === "string" ? { snapshot, account, ending: ending === true } : null,
    shares: typeof shares === "number" ? shares : 0,
    copy: typeof copy === "string" ? copy : null,
    copyAsked: copyAsked === true,
    failed: Array.isArray(failed) ? failed.filter((id) => typeof id === "string") : [],
  };
}
