import type { MirrorStanding } from "../app/mirroring.ts";
import type { Anchored } from "../core/anchored.ts";
import { terminalSafe } from "../core/printable.ts";
import { HoldfastError } from "../core/error.ts";
import { present, table } from "./output.ts";
import type { Session } from "./session.ts";

/** Has the newest head mirrored and vouched for now. 5 where an anchor knows another history, 9 where one could not be had. */
export async function ledgerAnchor(session: Session): Promise<number> {
  const app = await session.app();
  const { anchors, mirror } = app.services;
  const standing = await mirror.flush(session.signal);
  if (standing === null && !anchors.some)
    throw new HoldfastError(
      "config",
      `anchors: nothing outside is configured that could vouch for this ledger; name a vault (anchors.worm), witnesses (anchors.witnesses) or timestamp authorities (anchors.timestamp) in ${app.services.paths.config}`,
    );
  for (const alarm of standing?.alarms ?? []) process.stderr.write(`holdfast: ALARM: ${terminalSafe(alarm)}\n`);
  const anchored = [...(standing === null ? [] : [mirrored(standing, app.services.clock())]), ...(anchors.some ? await anchors.now(session.signal) : [])];
  const checkpoint = app.services.reader((reader) => reader.checkpoint());
  const list = anchored.map(anchorDocument);
  present(session.output, { schema: "holdfast.anchor/1", checkpoint, anchors: list } as { schema: string }, list, () => [
    ...table(anchored.map((one) => [one.anchor, one.kind, terminalSafe(one.kind === "anchored" ? `${one.size} acts, ${one.time}; ${one.text}` : one.text)])),
    ...(anchored.length === 0 ? ["there is no act yet that could be anchored"] : []),
  ]);
  if (anchored.some(({ kind }) => kind === "rollback" || kind === "fork")) return 5;
  return anchored.every(({ kind }) => kind === "anchored") ? 0 : 9;
}

function mirrored({ vault, mirrored: size, trouble }: MirrorStanding, now: Date): Anchored {
  if (trouble !== null) return { anchor: "worm", kind: trouble.kind, text: `vault ${vault}: ${trouble.text}` };
  return { anchor: "worm", kind: "anchored", size: size ?? 0, time: now.toISOString(), text: `mirrored in vault ${vault}` };
}

function anchorDocument(one: Anchored): object {
  const { anchor, kind: outcome, text } = one;
  return one.kind === "anchored" ? { anchor, outcome, size: String(one.size), time: one.time, text } : { anchor, outcome, size: null, time: null, text };
}
