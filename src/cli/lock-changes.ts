import type { ActReceipt } from "../core/act.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import type { Receipt } from "../core/vault.ts";
import { present } from "./output.ts";
import { presentWaiting } from "./request-document.ts";
import type { Session } from "./session.ts";

type Change = { readonly exhibit: string; readonly receipt: Receipt; readonly act: ActReceipt };

/**
 * One change an exhibit; what the store shows afterwards is printed, and a store that does not show it is exit 4. Where one fails,
 * those before it are done and printed, and the error follows.
 */
export async function printLockChanges(
  session: Session,
  act: string,
  exhibits: readonly string[],
  change: (exhibit: string) => Promise<Change>,
): Promise<number> {
  const ids = [...new Set(exhibits)];
  const app = await session.app();
  app.custodying.demand(ids);
  const changes: Change[] = [];
  try {
    for (const exhibit of ids) changes.push(await change(exhibit));
  } catch (error) {
    if (changes.length > 0) presentChanges(session, act, changes);
    throw error;
  }
  presentChanges(session, act, changes);
  return changes.every(({ receipt }) => receipt.problems.length === 0) ? 0 : 4;
}

type Settlement =
  | { readonly kind: "waiting"; readonly request: CustodyRequest }
  | {
      readonly kind: "settled";
      readonly changes: readonly (Omit<Change, "receipt"> & { readonly ok: boolean; readonly receipt: Receipt | null; readonly text: string })[];
    };

/** A change that needs a second person: the request that waits (exit 6), or what the store shows now (exit 4 where it did not do it). */
export function presentSettlement(session: Session, change: string, done: Settlement): number {
  if (done.kind === "waiting") return presentWaiting(session, done.request);
  const changes = done.changes.map(({ exhibit, receipt, text, act }) => {
    if (receipt === null) throw new HoldfastError("vault", `exhibit ${exhibit}: the change was sent, but the store does not show the object: ${text}`);
    return { exhibit, receipt, act };
  });
  presentChanges(session, change, changes);
  return done.changes.every((c) => c.ok) ? 0 : 4;
}

function presentChanges(session: Session, act: string, changes: readonly Change[]): void {
  const list = changes.map((c) => ({ exhibit: c.exhibit, act: String(c.act.seq), stored: c.receipt }));
  present(session.output, { schema: "holdfast.lock-change/1", change: act, exhibits: list } as { schema: string }, list, () =>
    changes.map(({ exhibit, receipt, act: { seq } }) =>
      terminalSafe(
        `${exhibit}  ${act}  until ${receipt.retainUntil ?? "unknown"}  hold ${receipt.legalHold === null ? "unknown" : receipt.legalHold ? "on" : "off"}  lock ${receipt.lock}  act ${seq}  ${receipt.problems.join("; ")}`,
      ),
    ),
  );
}
