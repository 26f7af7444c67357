import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import { type Options, optionText } from "./options.ts";
import type { Session } from "./session.ts";

/** From a file's first line, or asked at a terminal without showing it; never from the command line, which other users can read. */
export async function passphraseFrom(session: Session, options: Options, twice: boolean): Promise<string> {
  const file = optionText(options, "passphraseFile");
  if (file !== undefined) return firstLine(file);
  if (!session.mayAsk) throw new HoldfastError("usage", "--passphrase-file is missing; name a file whose first line is the passphrase");
  const first = await ask(session, "passphrase of the key backup: ");
  if (twice && (await ask(session, "once more: ")) !== first) throw new HoldfastError("usage", "the two passphrases differ; nothing was written");
  return first;
}

async function firstLine(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).split(/\r?\n/, 1)[0] ?? "";
  } catch (error) {
    throw new HoldfastError("usage", `--passphrase-file: ${printable(file)} cannot be read (${systemCode(error) ?? "?"})`, error);
  }
}

async function ask(session: Session, question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question("", { signal: session.signal });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw new HoldfastError("paused", "interrupted; nothing was begun", error);
    throw error;
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
