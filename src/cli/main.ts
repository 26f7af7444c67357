import { setImmediate as turn } from "node:timers/promises";
import { CommanderError } from "commander";
import { describeError, HoldfastError } from "../core/error.ts";
import type { Environment } from "../core/ports.ts";
import { terminalSafe } from "../core/printable.ts";
import type { App, AppOptions } from "../app.ts";
import { exitCodeOf, pausedIfAborted } from "./exit-code.ts";
import { createOutput } from "./output.ts";
import { outliveReaders } from "./outlive-readers.ts";
import { settleAnchors, settleMirror } from "./settle-anchors.ts";
import { buildProgram, globalOptions } from "./program.ts";
import type { GlobalOptions, Session } from "./session.ts";

/** Runs one command line and gives its exit code (contract.md). Errors become text here and nowhere deeper. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  const readers = outliveReaders(process.stdout, process.stderr);
  const code = await runLine(argv, environment);
  await turn(); // a write that fails says so in the next turn
  return readers.lost() === null ? code : Math.max(code, 1);
}

async function runLine(argv: readonly string[], environment: Environment): Promise<number> {
  let code = 0;
  const program = buildProgram(async (options, run) => {
    code = await runCommand(options, environment["TERM"] === "dumb", run);
  }, environment);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, globalOptions(program.opts(), environment));
  }
}

async function runCommand(options: GlobalOptions, dumb: boolean, run: (session: Session) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    process.stderr.write("\nFinishing what is in flight; press Ctrl-C again to stop at once.\n");
    stop.abort(new HoldfastError("paused", "interrupted"));
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  let opened: Promise<App> | null = null;
  const session: Session = {
    output: createOutput(options, process.stdout, process.stderr, dumb),
    signal: stop.signal,
    mayAsk: options.input && process.stdin.isTTY === true && process.stderr.isTTY === true,
    app: (wants) => (opened ??= openApp(options, wants ?? { kind: "existing" })),
  };
  let code: number;
  try {
    code = await run(session);
  } catch (error) {
    code = report(pausedIfAborted(error, stop.signal), options);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
  const app = await openedApp(opened);
  try {
    if (app !== null) await settleMirror(app, session.output);
    if (app !== null) await settleAnchors(app, session.output);
    return code;
  } catch (error) {
    return Math.max(code, report(error, options));
  } finally {
    await app?.close();
  }
}

async function openedApp(app: Promise<App> | null): Promise<App | null> {
  return (await app?.catch(() => null)) ?? null;
}

async function openApp(options: GlobalOptions, wants: AppOptions["wants"]): Promise<App> {
  if (options.server !== null)
    throw new HoldfastError("config", "--server (HOLDFAST_SERVER): this release has no server; leave it out and work on the home directly");
  const { openApp: open } = await import("../app.ts");
  return open({ ...options, wants });
}

/** The chain of causes, made printable: an error may quote a name that an attacker chose. */
function report(error: unknown, options: GlobalOptions): number {
  const code = exitCodeOf(error);
  process.stderr.write(`holdfast: ${terminalSafe(describeError(error))}\n`);
  if (options.verbose && error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
  else if (code === 1) process.stderr.write("This was not foreseen; run again with -v and report what it prints.\n");
  return code;
}
