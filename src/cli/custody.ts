import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { present, table } from "./output.ts";
import type { Session } from "./session.ts";

/** The custody record of one exhibit: every act about it, in order. */
export async function custody(session: Session, exhibit: string): Promise<number> {
  const app = await session.app();
  const acts = app.services.reader((reader) => [...reader.acts({ exhibit })]);
  if (acts.length === 0) throw new HoldfastError("usage", `there is no exhibit ${exhibit}; \`holdfast exhibits\` lists them`);
  const kept = app.services.anchors.kept();
  const anchorsOf = (act: Act): readonly string[] => [...kept].filter(([, size]) => size > act.seq).map(([name]) => name);
  const list = acts.map((act) => actDocument(act, exhibit, anchorsOf(act)));
  present(session.output, { schema: "holdfast.custody/1", exhibit, acts: list } as { schema: string }, list, () => [
    `Custody record of ${exhibit}`,
    "",
    ...table(acts.map((act) => [String(act.seq), act.time, act.act, terminalSafe(`${act.actor.id} (${act.actor.proof})`), terminalSafe(actText(act))])),
    "",
    ...acts.flatMap((act) =>
      Object.values(act.digests)
        .slice(0, 1)
        .map((d) => `sha256 ${d.sha256} over ${d.bytes} bytes (act ${act.seq}, leaf ${act.leafHash})`),
    ),
    anchorsLine(acts.map((act) => anchorsOf(act))),
  ]);
  return 0;
}

/** Only the audit checks proofs, so none is called good here. */
function anchorsLine(byAct: readonly (readonly string[])[]): string {
  const names = [...new Set(byAct.flat())].sort();
  if (names.length === 0) return "Assurance: self. The record is consistent in itself; nothing outside this machine vouches for it yet.";
  const covered = byAct.filter((anchors) => anchors.length > 0).length;
  return terminalSafe(`Proofs from outside are kept for ${covered} of ${byAct.length} acts (${names.join(", ")}); \`holdfast verify\` checks them.`);
}

function actDocument(act: Act, exhibit: string, anchors: readonly string[]): object {
  return {
    seq: String(act.seq),
    act: act.act,
    time: act.time,
    clock: act.clock,
    actor: act.actor,
    reason: act.reason,
    authority: act.authority,
    tool: act.tool,
    target: act.target,
    case: act.case,
    collection: act.collection,
    digests: act.digests,
    stored: act.stored,
    requestIds: act.requestIds,
    detail: act.detail,
    chain: act.exhibits.find((e) => e.id === exhibit) ?? null,
    leafHash: Buffer.from(act.leafHash, "hex").toString("base64"),
    anchors,
  };
}

function actText(act: Act): string {
  const text = act.detail["text"];
  return [act.reason, typeof text === "string" ? text : null].filter((part) => part !== null && part !== "").join("; ");
}
