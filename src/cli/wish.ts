import { HoldfastError } from "../core/error.ts";
import { parseKinds } from "../core/kind.ts";
import type { Wish } from "../core/plan.ts";
import { parseTime, windowOf } from "../core/window.ts";
import { type Options, optionChoice, optionList, optionText } from "./options.ts";

/** The wish that the options of plan and collect describe. Without --since the last seven days (contract.md). */
export function wishFrom(options: Options, now: Date): Wish {
  const since = parseTime(optionText(options, "since") ?? "7d", now, "--since");
  const until = parseTime(optionText(options, "until") ?? now.toISOString(), now, "--until");
  const kinds = optionText(options, "kind");
  return {
    kinds: kinds === undefined ? null : parseKinds(kinds),
    window: windowOf(since, until),
    disks: optionList(options, "disk"),
    pids: optionList(options, "pid").map(parsePid),
    logs: optionList(options, "log"),
    compress: optionChoice(options, "compress", ["auto", "none", "zstd"], "auto"),
  };
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HoldfastError("usage", `--pid: ${JSON.stringify(text)} is not a process id`);
  return Number(text);
}
