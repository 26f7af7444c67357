import { describeError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { printCollections, resultExit } from "./collect-result.ts";
import { exitCodeOf, pausedIfAborted } from "./exit-code.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";

export async function resume(session: Session, collection: string): Promise<number> {
  const app = await session.app();
  const code = app.collecting.view(collection).state === "finished" ? finished(session, collection) : await goOn(session, collection);
  await printCollections(session, app, [collection]);
  return code ?? resultExit(app.collecting.result(collection));
}

function finished(session: Session, collection: string): null {
  session.output.say(`collection ${collection} is finished; nothing is left to do`);
  return null;
}

/** The exit code of what stopped it, or null. What stopped it is told, and how to go on, as `collect` does. */
async function goOn(session: Session, collection: string): Promise<number | null> {
  const app = await session.app();
  try {
    await app.collecting.resume(
      collection,
      progressPrinter(session.output, () => app.services.clock().getTime()),
      session.signal,
    );
    return null;
  } catch (thrown) {
    const error = pausedIfAborted(thrown, session.signal);
    const { state } = app.collecting.view(collection);
    if (state === "running" || state === "cancelled") throw error; // another process has it, or nobody may: nothing to go on with
    process.stderr.write(`holdfast: ${terminalSafe(describeError(error))}\n`);
    if (state !== "finished") process.stderr.write(`What is sealed stays sealed. Go on with: holdfast resume ${collection}\n`);
    return exitCodeOf(error);
  }
}
