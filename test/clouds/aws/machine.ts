/**
 * What stands behind an SSM agent: something that runs the script it is given. `local-machine.ts` runs it here, `victim-machine.ts`
 * in a virtual machine; `answering` only says what a test wrote down (PowerShell, which nothing here can run).
 */
import type { ChildProcess } from "node:child_process";

export type Order = {
  readonly document: string;
  /** The lines of the parameter `commands`, joined as the agent joins them. */
  readonly script: string;
  /** The parameter `workingDirectory`, or null. */
  readonly directory: string | null;
  readonly environment: Readonly<Record<string, string>>;
};

export type RunEnd = { readonly kind: "exited"; readonly code: number } | { readonly kind: "killed" };

export type RunningScript = {
  /** What came so far, up to `keptOutput` characters: more than the service ever shows. */
  stdout(): string;
  stderr(): string;
  /** Resolves when the script and whatever holds its output are gone. */
  readonly ended: Promise<RunEnd>;
  /** The whole process group, at once. */
  kill(): void;
};

export type Machine = {
  run(order: Order): RunningScript;
  /** Power off: every process of every order dies without a word. */
  stop(): Promise<void>;
};

const keptOutput = 100_000;

export function heard(child: ChildProcess, kill: () => void): RunningScript {
  const texts = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    texts.out = (texts.out + text).slice(0, keptOutput);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    texts.err = (texts.err + text).slice(0, keptOutput);
  });
  let killed = false;
  const ended = new Promise<RunEnd>((resolve) => {
    child.once("error", (error) => {
      texts.err += String(error);
      resolve({ kind: "exited", code: 127 });
    });
    // What a killed script left running may hold its output for ever; an order that ends by itself is waited for, as the agent does.
    child.once("exit", () => killed && resolve({ kind: "killed" }));
    child.once("close", (code) => resolve(killed || code === null ? { kind: "killed" } : { kind: "exited", code }));
  });
  return {
    stdout: () => texts.out,
    stderr: () => texts.err,
    ended,
    kill: () => {
      killed = true;
      kill();
    },
  };
}

/** An order to a machine that was switched off. */
export function unheard(): RunningScript {
  return { stdout: () => "", stderr: () => "", ended: Promise.resolve({ kind: "killed" }), kill: () => undefined };
}

export type Answered = { readonly code: number; readonly stdout: string; readonly stderr?: string };

/** A machine that runs nothing: a test says what the script would have printed. */
export function answering(answer: (order: Order) => Answered | Promise<Answered>): Machine {
  return {
    run: (order) => {
      let said: Answered = { code: 0, stdout: "" };
      const killed = Promise.withResolvers<RunEnd>();
      const done = (async (): Promise<RunEnd> => {
        said = await answer(order);
        return { kind: "exited", code: said.code };
      })();
      return {
        stdout: () => said.stdout,
        stderr: () => said.stderr ?? "",
        ended: Promise.race([done, killed.promise]),
        kill: () => killed.resolve({ kind: "killed" }),
      };
    },
    stop: () => Promise.resolve(),
  };
}
