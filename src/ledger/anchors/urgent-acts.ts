import type { ActName } from "../../core/act.ts";
import type { Reader } from "../../core/recorder.ts";

/**
 * Acts that do not wait ten minutes for a witness and a timestamp (design.md: seal, transfer, release): what is locked, what ends a
 * collection, and what changes hands.
 */
const urgent: ReadonlySet<ActName> = new Set(["sealed", "finished", "cancelled", "transferred", "acknowledged", "released"]);

/** Beyond so many acts it is cheaper to ask the anchors than to look for a reason. */
const LOOKED_AT = 4096;

export function isUrgent({ act }: { readonly act: ActName }): boolean {
  return urgent.has(act);
}

/** Whether one of the acts from `from` on is urgent. The newest are looked at first: that is where it stands. */
export function urgentFrom(reader: Pick<Reader, "size" | "act">, from: number): boolean {
  const size = reader.size();
  if (size - from > LOOKED_AT) return true;
  for (let seq = size - 1; seq >= from; seq -= 1) if (isUrgent(reader.act(seq))) return true;
  return false;
}
