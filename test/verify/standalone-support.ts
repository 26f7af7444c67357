import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { type LogKeys, readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import { draft, forever, notes, open, opening, tempHome } from "../ledger/support.ts";
import { leavesOf } from "./forge.ts";

export const script = (name: string): string => fileURLToPath(new URL(`../../src/verify/standalone/${name}`, import.meta.url));
export const hasPython: boolean = ((): boolean => {
  try {
    execFileSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]);
    return true;
  } catch {
    return false; // not here, or older than 3.9
  }
})();
/** In the tests' names, so that nobody takes one opinion for two. */
export const who: string = hasPython ? "both verifiers" : "the JavaScript verifier (python3 is absent)";

export type Answer = { readonly code: number; readonly text: string };
function run(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr }));
  });
}
export const javascript = (...args: readonly string[]): Promise<Answer> => run(process.execPath, [script("verify-export.mjs"), ...args]);
export const python = (...args: readonly string[]): Promise<Answer> => run("python3", ["-B", script("verify_export.py"), ...args]);

/** Both must say the same of the same thing. */
export async function both(...args: readonly string[]): Promise<Answer> {
  if (!hasPython) return javascript(...args);
  const [first, second] = await Promise.all([javascript(...args), python(...args)]);
  const word = (answer: Answer): string => answer.text.trim().split("\n").at(-1)?.split(":").slice(0, 2).join(":") ?? "";
  expect([second.code, word(second)], `${first.text}\n${second.text}`).toEqual([first.code, word(first)]);
  return first;
}

export const SIZE = 300;
export type Exported = {
  readonly home: ReturnType<typeof tempHome>;
  readonly scratch: string;
  readonly good: string;
  readonly keys: LogKeys;
  readonly leaves: readonly Buffer[];
  remove(): void;
};

/** A log with a case, two exhibits and notes, exported at 100 and at 300 entries. */
export async function exportedHome(): Promise<Exported> {
  const home = tempHome();
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-standalone-"));
  const good = join(scratch, "good");
  const recorder = await open(home.paths);
  const work = { case: "C-1", collection: "c-1", lease: 2 };
  await recorder.append([opening("C-1"), draft("started", { ...work, once: "c-1/started", reserve: 2 })]);
  await recorder.append([draft("collected", { ...work, once: "c-1/a", exhibits: ["C-1/001"] })]);
  await recorder.append([draft("empty", { ...work, lease: 3, once: "c-1/b", exhibits: ["C-1/002"], reason: "né 😀 \u007f\n" }), ...notes(96)]);
  await exportLedger(home.paths, good, forever); // leaves the partial tiles of this size behind
  await recorder.append(notes(SIZE - 100));
  await recorder.close();
  await exportLedger(home.paths, good, forever);
  return {
    home,
    scratch,
    good,
    keys: readLogKeys(home.paths.keys),
    leaves: leavesOf(good, SIZE),
    remove() {
      home[Symbol.dispose]();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
