import { readFile } from "node:fs/promises";
import { parseOrigin } from "../core/config.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable, terminalSafe } from "../core/printable.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import { passphraseFrom } from "./passphrase.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

/** A lost home's ledger, back to the last mirrored checkpoint. */
export async function restore(session: Session, options: Options): Promise<number> {
  const vault = optionText(options, "from");
  if (vault === undefined) throw new HoldfastError("usage", "--from is missing; name the vault that mirrors the ledger");
  const origin = optionText(options, "origin") ?? null;
  const newOrigin = optionText(options, "newOrigin") ?? null;
  if (newOrigin !== null) parseOrigin(newOrigin, "--new-origin", "usage");
  const file = optionText(options, "keyBackup");
  if (file !== undefined && newOrigin !== null)
    throw new HoldfastError("usage", "--new-origin: with the log's keys the old origin goes on; leave out one of the two");
  const { reason } = await whyFrom(session, options);
  const app = await session.app({ kind: "any" });
  const keys = file === undefined ? null : { backup: await readBackup(file), passphrase: await passphraseFrom(session, options, false) };
  const restored = await app.restoring.restore({ vault, keys, origin, newOrigin, reason }, session.signal);
  present(session.output, { schema: "holdfast.restore/1", home: app.services.paths.home, ...restored } as { schema: string }, null, () => [
    restored.continued
      ? `restored  ${terminalSafe(restored.origin)} at ${restored.from.size} acts, root ${restored.from.root}`
      : `new origin  ${terminalSafe(restored.origin)}; its entry 0 names ${terminalSafe(restored.from.origin)} at ${restored.from.size} acts, root ${restored.from.root}`,
    terminalSafe(restored.gap),
  ]);
  if (!restored.continued)
    session.output.say(
      "The keys of the old log are lost: its acts stay in the vault, signed and readable, and nothing is added to them. Give the new verifier keys to those who held the old ones.",
    );
  return 0;
}

async function readBackup(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new HoldfastError("usage", `--key-backup: ${printable(file)} cannot be read (${systemCode(error) ?? "?"})`, error);
  }
}
