import { parseCaseId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import { parseKinds } from "../core/kind.ts";
import type { Containment, Wish } from "../core/plan.ts";
import { parseTarget } from "../core/target.ts";
import { parseDuration, parseTime, windowOf } from "../core/window.ts";
import { type Options, optionChoice, optionList, optionText } from "./options.ts";

/** What `plan` and `collect` refuse before anything is opened or made, so that a plan which prints is one that can be collected. */
export function checkAsked(targets: readonly string[], options: Options): void {
  for (const target of targets) parseTarget(target);
  const caseId = optionText(options, "case");
  if (caseId !== undefined) parseCaseId(caseId);
  const retain = optionText(options, "retain");
  if (retain !== undefined) parseDuration(retain, "--retain");
  containmentFrom(options);
}

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
    contain: containmentFrom(options),
  };
}

/** `--isolate` cuts the network; `--identity` and `--identity-user` add what the target's credentials can still do elsewhere. */
function containmentFrom(options: Options): Containment | null {
  const users = optionList(options, "identityUser");
  const identity = options["identity"] === true;
  if (optionText(options, "isolate") === undefined) {
    if (identity || users.length > 0) throw new HoldfastError("usage", "--identity: say when as well: --isolate now or --isolate after-memory");
    return null;
  }
  return { when: optionChoice(options, "isolate", ["now", "after-memory"], "after-memory"), network: true, identity, users };
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HoldfastError("usage", `--pid: ${JSON.stringify(text)} is not a process id`);
  return Number(text);
}
