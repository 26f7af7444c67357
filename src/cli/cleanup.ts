import { terminalSafe } from "../core/printable.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** All collections that are not running, or the one named. */
export async function cleanup(session: Session, collection: string | null): Promise<number> {
  const app = await session.app();
  const ids =
    collection === null
      ? app.collecting
          .list()
          .filter((view) => view.state !== "running")
          .map((view) => view.order.collection)
      : [collection];
  const removed: { readonly collection: string; readonly what: string }[] = [];
  for (const id of ids) for (const what of await app.collecting.cleanup(id, session.signal)) removed.push({ collection: id, what });
  present(session.output, { schema: "holdfast.cleanup/1", removed } as { schema: string }, removed, () =>
    removed.length === 0 ? ["nothing was left behind"] : removed.map((r) => terminalSafe(`${r.collection}  ${r.what}`)),
  );
  return 0;
}
