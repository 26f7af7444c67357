import { parseCaseId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { windowOf } from "../core/window.ts";
import { required } from "./ask.ts";
import { collectAll } from "./collect.ts";
import { optionList, type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";

/** `contain TARGET`: a collection of changes only. */
export async function contain(session: Session, target: string | null, options: Options): Promise<number> {
  if (target === null) throw new HoldfastError("usage", "contain: name a target, or `contain undo COLLECTION`");
  const users = optionList(options, "identityUser");
  const network = options["network"] === true;
  const identity = options["identity"] === true;
  if (!network && !identity && users.length === 0) throw new HoldfastError("usage", "contain: say what to cut off: --network, --identity or both");
  const caseId = parseCaseId(await required(session, optionText(options, "case"), "--case", "which case?"));
  const reason = await required(session, optionText(options, "reason"), "--reason", "why is this cut off?");
  const app = await session.app({ kind: "make", origin: null });
  const now = app.services.clock();
  return collectAll(session, app, [target], {
    case: caseId,
    reason,
    authority: optionText(options, "authority") ?? null,
    wish: {
      kinds: [],
      window: windowOf(new Date(now.getTime() - 1000), now), // nothing is collected; a window has a length
      disks: [],
      pids: [],
      logs: [],
      compress: "auto",
      contain: { when: "now", network, identity, users },
    },
    vault: app.services.vaultConfig(null).name,
    retain: null,
    legalHold: false,
    detach: false,
  });
}

/** `contain undo COLLECTION`: 0 only if everything that it changed is as it was before. */
export async function containUndo(session: Session, collection: string, options: Options): Promise<number> {
  const app = await session.app();
  const undone = await app.collecting.undo(
    collection,
    optionText(options, "reason") ?? null,
    progressPrinter(session.output, () => app.services.clock().getTime()),
    session.signal,
  );
  present(session.output, { schema: "holdfast.undo/1", collection, undone } as { schema: string }, undone, () =>
    undone.length === 0 ? ["nothing was left to put back"] : undone.map(({ step, outcome, detail }) => terminalSafe(`${step}  ${outcome}  ${detail}`)),
  );
  return undone.every(({ outcome }) => outcome === "done" || outcome === "already") ? 0 : 4;
}
