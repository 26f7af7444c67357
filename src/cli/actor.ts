import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import type { ActorChange } from "../app/actors.ts";
import { required } from "./ask.ts";
import { type Options, optionText } from "./options.ts";
import { present, table } from "./output.ts";
import { presentWaiting } from "./request-document.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

export async function actorList(session: Session): Promise<number> {
  const app = await session.app();
  const list = app.actors.list().map((a) => ({ ...a, since: String(a.since), revoked: a.revoked === null ? null : String(a.revoked) }));
  present(session.output, { schema: "holdfast.actors/1", actors: list } as { schema: string }, list, () =>
    list.length === 0
      ? ["nobody is enrolled: every act is asserted by this machine alone; begin with `holdfast actor enrol`"]
      : table(list.map((a) => [terminalSafe(a.id), a.kind, a.fingerprint, `since act ${a.since}`, a.revoked === null ? "" : `revoked by act ${a.revoked}`])),
  );
  return 0;
}

export async function actorEnrol(session: Session, id: string | null, options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  const kind = options["machine"] === true ? "machine" : "person";
  return presentChange(session, "enrolled", await app.actors.enrol({ id, kind, keyFile: optionText(options, "key") ?? null }, why));
}

export async function actorRevoke(session: Session, id: string, options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  return presentChange(session, "revoked", await app.actors.revoke(id, optionText(options, "key") ?? null, why));
}

export async function actorSignature(session: Session, text: string, options: Options): Promise<number> {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text))
    throw new HoldfastError("usage", `${JSON.stringify(text)} is not the number of an act; \`holdfast custody\` shows them`);
  const out = await required(session, optionText(options, "out"), "--out", "into which new file?");
  const app = await session.app();
  const found = await app.exporting.signature(Number(text), out);
  present(session.output, { schema: "holdfast.signature/1", act: text, ...found } as { schema: string }, null, () => [
    terminalSafe(`act ${text}  signed by ${found.actor}  ${found.keyid}`),
    terminalSafe(found.verify),
  ]);
  return 0;
}

function presentChange(session: Session, change: "enrolled" | "revoked", done: ActorChange): number {
  if (done.kind === "waiting") return presentWaiting(session, done.request);
  const document = { schema: "holdfast.actor-change/1", change, ...done.actor, act: String(done.act.seq) };
  present(session.output, document, null, () => [terminalSafe(`${change} ${done.actor.id}  ${done.actor.fingerprint}  act ${done.act.seq}`)]);
  return 0;
}
