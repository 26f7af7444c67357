import type { Json } from "../../src/core/act.ts";
import { mapOf } from "./snapshot-set.ts";

/** What a copy step leaves for its next attempt and for cleanup: written before each call that changes something. */
export type CopyMemory = {
  /** The copy under the account's own key, where there had to be one. */
  inner: string | null;
  innerAsked: boolean;
  /** Which snapshot may be shared, and with whom. */
  sharing: { readonly snapshot: string; readonly account: string } | null;
  /** How often it was shared: names the acts. */
  shares: number;
  /** The copy in the evidence account. */
  copy: string | null;
  copyAsked: boolean;
  /** Copies that ended in error. */
  failed: string[];
};

export function copyMemory(json: Json): CopyMemory {
  const { inner, innerAsked, sharing, shares, copy, copyAsked, failed } = mapOf(json);
  const { snapshot, account } = mapOf(sharing);
  return {
    inner: typeof inner === "string" ? inner : null,
    innerAsked: innerAsked === true,
    sharing: typeof snapshot === "string" && typeof account === "string" ? { snapshot, account } : null,
    shares: typeof shares === "number" ? shares : 0,
    copy: typeof copy === "string" ? copy : null,
    copyAsked: copyAsked === true,
    failed: Array.isArray(failed) ? failed.filter((id) => typeof id === "string") : [],
  };
}
