import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { required } from "./ask.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import { presentWaiting, requestDocument, requestLine } from "./request-document.ts";
import type { Session } from "./session.ts";
import { coveredBy } from "./settle-anchors.ts";
import { whyFrom } from "./why.ts";

export async function release(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const to = await required(session, optionText(options, "to"), "--to", "to whom?");
  const why = await whyFrom(session, options);
  const app = await session.app();
  const done = await app.handingOver.release(unique(exhibits), to, why);
  return done.kind === "waiting" ? presentWaiting(session, done.request) : presentAct(session, "released", done.act);
}

export async function transfer(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const to = await required(session, optionText(options, "to"), "--to", "to whom, by the id they sign with?");
  const why = await whyFrom(session, options);
  const app = await session.app();
  const code = await presentAct(session, "transferred", await app.handingOver.transfer(unique(exhibits), to, why, session.signal));
  session.output.say(`${terminalSafe(to)} has them when they have signed: holdfast acknowledge ${unique(exhibits).join(" ")} --reason TEXT`);
  return code;
}

export async function acknowledge(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  return presentAct(session, "acknowledged", await app.handingOver.acknowledge(unique(exhibits), why));
}

export async function correct(session: Session, seq: string, text: string, options: Options): Promise<number> {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(seq))
    throw new HoldfastError("usage", `${JSON.stringify(seq)} is not the number of an act; \`holdfast custody\` shows them`);
  const why = await whyFrom(session, options);
  const app = await session.app();
  return presentAct(session, "corrected", await app.handingOver.correct(Number(seq), text.normalize("NFC"), why));
}

export async function dispose(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  const done = await app.handingOver.dispose(unique(exhibits), why, session.signal);
  if (done.kind === "waiting") return presentWaiting(session, done.request);
  const list = done.changes.map((c) => ({ exhibit: c.exhibit, act: String(c.act.seq), gone: c.ok, text: c.text }));
  present(session.output, { schema: "holdfast.disposal/1", exhibits: list } as { schema: string }, list, () =>
    list.map((c) => terminalSafe(`${c.exhibit}  ${c.gone ? "disposed" : "STILL THERE"}  act ${c.act}  ${c.text}`)),
  );
  return list.every((c) => c.gone) ? 0 : 4;
}

export async function requests(session: Session): Promise<number> {
  const app = await session.app();
  const found = app.handingOver.requests();
  const list = found.map(requestDocument);
  present(session.output, { schema: "holdfast.requests/1", requests: list } as { schema: string }, list, () =>
    found.length === 0 ? ["no requests"] : found.map(requestLine),
  );
  return 0;
}

export async function approve(session: Session, request: string, options: Options): Promise<number> {
  const app = await session.app();
  const done = await app.handingOver.approve(request, optionText(options, "hash") ?? null, optionText(options, "reason") ?? null);
  present(session.output, { schema: "holdfast.approval/1", request: requestDocument(done) } as { schema: string }, null, () => [requestLine(done)]);
  session.output.say(`${terminalSafe(done.actor)} carries it out by giving the same command again.`);
  return 0;
}

async function presentAct(session: Session, change: string, act: Act): Promise<number> {
  const anchors = await coveredBy(await session.app(), session.output, act.seq + 1);
  const exhibits = act.exhibits.map((e) => e.id);
  const leafHash = Buffer.from(act.leafHash, "hex").toString("base64");
  const document = { schema: "holdfast.custody-act/1", change, act: String(act.seq), leafHash, case: act.case, exhibits, anchors };
  present(session.output, document, null, () => [
    terminalSafe(`${change}  ${exhibits.join(" ") || act.case || ""}  act ${act.seq}  by ${act.actor.id} (${act.actor.proof})`),
    anchors.length === 0 ? "nothing outside this machine vouches for it yet" : `vouched for by ${anchors.join(", ")}`,
  ]);
  return 0;
}

function unique(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)];
}
