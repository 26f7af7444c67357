import { terminalSafe } from "../core/printable.ts";
import { windowOf } from "../core/window.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** 0 only if a collection would work. */
export async function doctor(session: Session, target: string | null): Promise<number> {
  const app = await session.app({ kind: "make", origin: null });
  const now = app.services.clock();
  const wish = {
    kinds: null,
    window: windowOf(new Date(now.getTime() - 7 * 86_400_000), now),
    disks: [],
    pids: [],
    logs: [],
    compress: "auto",
    contain: null,
  } as const;
  const checks = await app.checking.doctor(target, wish, session.signal);
  const ok = checks.every((check) => check.ok || !check.fatal);
  present(session.output, { schema: "holdfast.doctor/1", ok, checks } as { schema: string }, checks, () => [
    ...checks.map((check) => terminalSafe(`${check.ok ? "ok      " : check.fatal ? "FAILS   " : "note    "}${check.check}: ${check.text}`)),
    ok ? "A collection would work." : "A collection would not work, or would not be sealed; mend what FAILS.",
  ]);
  return ok ? 0 : 3;
}
