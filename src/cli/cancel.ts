import { present } from "./output.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";

export async function cancel(session: Session, collection: string): Promise<number> {
  const app = await session.app();
  const answer = await app.collecting.cancel(
    collection,
    progressPrinter(session.output, () => app.services.clock().getTime()),
  );
  const text =
    answer === "asked"
      ? `collection ${collection} was asked to stop; it does so within seconds`
      : `collection ${collection} is cancelled; what was sealed stays`;
  present(session.output, { schema: "holdfast.cancel/1", collection, answer } as { schema: string }, null, () => [text]);
  return 0;
}
