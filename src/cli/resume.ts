import { printCollections, resultExit } from "./collect-result.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";

export async function resume(session: Session, collection: string): Promise<number> {
  const app = await session.app();
  if (app.collecting.view(collection).state === "finished") {
    session.output.say(`collection ${collection} is finished; nothing is left to do`);
  } else {
    await app.collecting.resume(
      collection,
      progressPrinter(session.output, () => app.services.clock().getTime()),
      session.signal,
    );
  }
  await printCollections(session, app, [collection]);
  return resultExit(app.collecting.result(collection));
}
