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
