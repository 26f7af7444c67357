import { HoldfastError } from "../core/error.ts";
import { wholeSecond } from "../core/retention.ts";
import { parseDuration, parseTime } from "../core/window.ts";
import { required } from "./ask.ts";
import { presentSettlement, printLockChanges } from "./lock-changes.ts";
import { type Options, optionText } from "./options.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

export async function retainExtend(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const text = await required(session, optionText(options, "until"), "--until", "until when?");
  const why = await whyFrom(session, options);
  const app = await session.app();
  const now = app.services.clock();
  // Here a duration can only mean forward: retention ends in the future.
  const until = wholeSecond(/^\d+[a-z]$/.test(text) ? new Date(now.getTime() + parseDuration(text, "--until")) : parseTime(text, now, "--until"));
  return printLockChanges(session, "retention-extended", exhibits, (exhibit) => app.custodying.extend(exhibit, until, why, session.signal));
}

/** A date, and not a duration: the same command is given again once it is approved, and then has to mean the same. */
export async function retainCut(session: Session, exhibits: readonly string[], options: Options): Promise<number> {
  const text = await required(session, optionText(options, "until"), "--until", "until when?");
  const app = await session.app();
  if (/^\d+[a-z]$/.test(text)) throw new HoldfastError("usage", `--until: ${text} means another time whenever it is said; give an RFC 3339 time`);
  const until = wholeSecond(parseTime(text, app.services.clock(), "--until"));
  const why = await whyFrom(session, options);
  return presentSettlement(session, "retention-cut", await app.handingOver.cutRetention([...new Set(exhibits)], until, why, session.signal));
}
