import type { ActReceipt } from "../core/act.ts";
import { terminalSafe } from "../core/printable.ts";
import type { Receipt } from "../core/vault.ts";
import { present } from "./output.ts";
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

export function presentChanges(session: Session, act: string, changes: readonly Change[]): void {
  const list = changes.map((c) => ({ exhibit: c.exhibit, act: String(c.act.seq), stored: c.receipt }));
  present(session.output, { schema: "holdfast.lock-change/1", change: act, exhibits: list } as { schema: string }, list, () =>
    changes.map(({ exhibit, receipt, act: { seq } }) =>
      terminalSafe(
        `${exhibit}  ${act}  until ${receipt.retainUntil ?? "unknown"}  hold ${receipt.legalHold === null ? "unknown" : receipt.legalHold ? "on" : "off"}  lock ${receipt.lock}  act ${seq}  ${receipt.problems.join("; ")}`,
      ),
    ),
  );
}
