import type { Anchored } from "../core/anchored.ts";
import { terminalSafe } from "../core/printable.ts";
import { present, table } from "./output.ts";
import type { Session } from "./session.ts";

/** Has the newest head vouched for now. 5 where an anchor knows another history, 9 where one could not be had. */
export async function ledgerAnchor(session: Session): Promise<number> {
  const app = await session.app();
  const anchored = await app.services.anchors.now(session.signal);
  const checkpoint = app.services.reader((reader) => reader.checkpoint());
  const list = anchored.map(anchorDocument);
  present(session.output, { schema: "holdfast.anchor/1", checkpoint, anchors: list } as { schema: string }, list, () => [
    ...table(anchored.map((one) => [one.anchor, one.kind, terminalSafe(one.kind === "anchored" ? `${one.size} acts, ${one.time}; ${one.text}` : one.text)])),
    ...(anchored.length === 0 ? ["there is no act yet that could be anchored"] : []),
  ]);
  if (anchored.some(({ kind }) => kind === "rollback" || kind === "fork")) return 5;
  return anchored.every(({ kind }) => kind === "anchored") ? 0 : 9;
}

function anchorDocument(one: Anchored): object {
  const { anchor, kind: outcome, text } = one;
  return one.kind === "anchored" ? { anchor, outcome, size: String(one.size), time: one.time, text } : { anchor, outcome, size: null, time: null, text };
}
