import type { App } from "../app.ts";
import type { Anchored } from "../core/anchored.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import type { Output } from "./output.ts";

/** What was recorded is anchored where it is time, and what came of it is said. It is recorded whatever comes of this. */
export async function settleAnchors(app: App, output: Output): Promise<void> {
  for (const one of await settled(app, output))
    switch (one.kind) {
      case "anchored":
        break;
      case "rollback":
      case "fork":
        process.stderr.write(`holdfast: ALARM: ${terminalSafe(`${one.kind.toUpperCase()}: ${one.text}`)}\n`);
        break;
      case "misconfigured":
      case "broken":
        output.say(terminalSafe(`The newest acts are not anchored by ${one.anchor} yet; it is tried again with the next act: ${one.text}`));
        break;
      default:
        one satisfies never;
    }
}

/** What this command recorded goes into the mirror. One that is down is said, and takes nothing from what was done. Throws `rollback`, `fork`. */
export async function settleMirror(app: App, output: Output): Promise<void> {
  const standing = await app.services.mirror.settle(new AbortController().signal);
  if (standing === null) return;
  for (const alarm of standing.alarms) process.stderr.write(`holdfast: ALARM: ${terminalSafe(alarm)}\n`);
  if (standing.trouble !== null)
    output.say(
      terminalSafe(`The newest acts are not in the mirror (vault ${standing.vault}) yet; they are tried again with the next act: ${standing.trouble.text}`),
    );
}

/**
 * Has what was recorded anchored, and gives the anchors that cover the first `size` acts then, by name: for receipts. Their proofs
 * are kept and not checked here.
 */
export async function coveredBy(app: App, output: Output, size: number): Promise<readonly string[]> {
  try {
    await settleMirror(app, output);
  } catch (error) {
    // A mirror that knows another history: the command's end throws it again, behind the receipts of what was recorded.
    if (!(error instanceof HoldfastError)) throw error;
  }
  await settleAnchors(app, output);
  const kept = [...app.services.anchors.kept(), ["worm", app.services.mirror.covered()] as const];
  return kept.filter(([, covers]) => covers >= size).map(([name]) => name);
}

async function settled(app: App, output: Output): Promise<readonly Anchored[]> {
  try {
    return await app.services.settleAnchors(new AbortController().signal);
  } catch (error) {
    // The receipts that follow must be printed: a full disk here takes nothing from what was recorded before.
    if (!(error instanceof HoldfastError)) throw error;
    output.say(terminalSafe(`The newest acts could not be anchored: ${describeError(error)}`));
    return [];
  }
}
