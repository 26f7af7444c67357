import type { Landing } from "../../../src/core/landing.ts";
import type { Random } from "../../../src/core/ports.ts";
import { plainTickets, sealedTickets, ticketText } from "./tickets.ts";

/** How links are issued. A batch and the dump's script have to fit in the 64 KB of a command. */
export type LinkMeasures = {
  readonly count: number;
  readonly seconds: number;
};

export const linkMeasures: LinkMeasures = { count: 300, seconds: 1800 };

export type Batch = {
  /** What goes into the command: sealed for the host's key where it has one. */
  readonly text: string;
  readonly sealed: boolean;
  readonly from: number;
  readonly to: number;
  readonly lapse: { readonly from: string; readonly until: string };
};

/** Links for the parts from `from` on: each writes one part and lapses soon. They exist in this process and in the batch only. */
export async function issueBatch(
  landing: Landing,
  wish: { readonly from: number; readonly measures: LinkMeasures; readonly publicKey: string | null; readonly toolLink: string | null },
  outside: { readonly random: Random; readonly now: Date },
  signal: AbortSignal,
): Promise<Batch> {
  const count = Math.min(wish.measures.count, 10_000 - wish.from + 1);
  const links = await landing.links(wish.from, count, wish.measures.seconds, signal);
  const urls = links.signatures.map((signature, index) => ({
    number: wish.from + index,
    url: links.template.replace("{part}", String(wish.from + index)).replace("{signature}", signature),
  }));
  const text = ticketText(urls, wish.toolLink);
  return {
    text:
      wish.publicKey === null ? plainTickets(text) : sealedTickets(text, Buffer.from(wish.publicKey, "base64"), (bytes) => Buffer.from(outside.random(bytes))),
    sealed: wish.publicKey !== null,
    from: wish.from,
    to: wish.from + count - 1,
    lapse: { from: outside.now.toISOString(), until: links.expires },
  };
}

/** Whether a host that has sent `arrived` parts needs more: few links are left, or the youngest are past two thirds of their life. */
export function needsLinks(
  state: { readonly arrived: number; readonly issued: number; readonly lapse: Batch["lapse"] | null },
  measures: LinkMeasures,
  now: Date,
): boolean {
  if (state.arrived >= 10_000) return false;
  if (state.issued < 10_000 && state.issued - state.arrived <= measures.count / 2) return true;
  if (state.lapse === null) return true;
  const from = Date.parse(state.lapse.from);
  return now.getTime() > from + ((Date.parse(state.lapse.until) - from) * 2) / 3;
}
