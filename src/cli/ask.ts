import { createInterface } from "node:readline/promises";
import { HoldfastError } from "../core/error.ts";
import type { Session } from "./session.ts";

/** The option, or one question at a terminal; without either, a usage error that names the option. */
export async function required(session: Session, value: string | undefined, option: string, question: string): Promise<string> {
  const given = value?.trim();
  if (given) return given.normalize("NFC");
  if (!session.mayAsk) throw new HoldfastError("usage", `${option} is missing; ${question}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await terminal.question(`${question} `, { signal: session.signal })).trim();
    if (answer === "") throw new HoldfastError("usage", `${option} is missing; nothing was entered`);
    return answer.normalize("NFC");
  } catch (error) {
    // At a terminal readline itself takes Ctrl-C.
    if (error instanceof Error && error.name === "AbortError") throw new HoldfastError("paused", "interrupted; nothing was begun", error);
    throw error;
  } finally {
    terminal.close();
  }
}
