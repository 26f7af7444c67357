import { HoldfastError } from "../core/error.ts";
import { presentChanges, printLockChanges } from "./lock-changes.ts";
import type { Options } from "./options.ts";
import { presentWaiting } from "./request-document.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

export async function holdSet(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  return printLockChanges(session, "held", exhibits, (exhibit) => app.custodying.hold(exhibit, why, session.signal));
}

export async function holdClear(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  const done = await app.handingOver.clearHold([...new Set(exhibits)], why, session.signal);
  if (done.kind === "waiting") return presentWaiting(session, done.request);
  const changes = done.changes.map((c) => {
    if (c.receipt === null) throw new HoldfastError("vault", `exhibit ${c.exhibit}: the hold was cleared, but the store does not show the object: ${c.text}`);
    return { exhibit: c.exhibit, receipt: c.receipt, act: c.act };
  });
  presentChanges(session, "hold-cleared", changes);
  return done.changes.every((c) => c.ok) ? 0 : 4;
}
