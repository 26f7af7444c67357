import { presentSettlement, printLockChanges } from "./lock-changes.ts";
import type { Options } from "./options.ts";
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
  return presentSettlement(session, "hold-cleared", await app.handingOver.clearHold([...new Set(exhibits)], why, session.signal));
}
