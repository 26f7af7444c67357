import { required } from "./ask.ts";
import { type Options, optionText } from "./options.ts";
import type { Session } from "./session.ts";

/** Why a custody act is done, and under which authority. */
export async function whyFrom(session: Session, options: Options): Promise<{ readonly reason: string; readonly authority: string | null }> {
  return {
    reason: await required(session, optionText(options, "reason"), "--reason", "why?"),
    authority: optionText(options, "authority") ?? null,
  };
}
