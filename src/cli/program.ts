import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import type { Environment } from "../core/ports.ts";
import { addCustodyCommands } from "./custody-commands.ts";
import { addLedgerCommands } from "./ledger-commands.ts";
import { addSweepCommand } from "./sweep-command.ts";
import type { GlobalOptions, Session } from "./session.ts";

type Run = (options: GlobalOptions, run: (session: Session) => Promise<number>) => Promise<void>;
type Options = Readonly<Record<string, string | string[] | boolean | undefined>>;

/**
 * The command line of contract.md. Commands load their code when they run, so that help is quick. Global options are known before
 * and after the command (commander's default), so no command may have an option of the same name.
 */
export function buildProgram(run: Run, environment: Environment): Command {
  const program = new Command("holdfast");
  const go = (body: (session: Session) => Promise<number>): Promise<void> => run(globalOptions(program.opts(), environment), body);
  program
    .description("Collects forensic evidence, seals it where nobody can alter it, and records every act.")
    .option("--home <DIR>", "the home: ledger, keys, journal (env HOLDFAST_HOME)")
    .option("--server <URL>", "work through a running server (env HOLDFAST_SERVER)")
    .option("--config <FILE>", "configuration (env HOLDFAST_CONFIG; default holdfast.yaml in the home)")
    .option("--json", "print one JSON document and nothing else on stdout")
    .option("--jsonl", "print one JSON object a line")
    .option("--quiet", "say nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr")
    .option("--no-color", "no colours (also NO_COLOR)")
    .option("--no-input", "never ask")
    .version(version(), "--version")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .addHelpText("beforeAll", () => "")
    .addHelpText(
      "before",
      examples('holdfast collect host:local --case DEMO-1 --reason "first look"', "holdfast verify --case DEMO-1", "holdfast custody DEMO-1/001"),
    );

  program
    .command("init")
    .description("make the home; print the ledger's origin and verifier keys")
    .option("--origin <NAME>", "C2SP origin of the ledger, a schema-less URL under your control")
    .action((o: Options) => go(async (s) => (await import("./init.ts")).init(s, o)));
  program
    .command("doctor [target]")
    .description("check that a collection would work; exit 0 only then")
    .action((target: string | undefined) => go(async (s) => (await import("./doctor.ts")).doctor(s, target ?? null)));

  const cases = program.command("case").description("open, list, show and annotate cases");
  cases
    .command("open <id>")
    .description("open a case")
    .option("--title <TEXT>")
    .option("--severity <LEVEL>", "low, medium, high, critical")
    .option("--sensitivity <LEVEL>", "public, internal, confidential, restricted")
    .option("--jurisdiction <CODE>", "ISO 3166 code")
    .option("--retention <CLASS>", "a retention class of the configuration")
    .option("--reason <TEXT>")
    .action((id: string, o: Options) => go(async (s) => (await import("./case.ts")).caseOpen(s, id, o)));
  cases
    .command("list")
    .description("all cases")
    .action(() => go(async (s) => (await import("./case.ts")).caseList(s)));
  cases
    .command("show <id>")
    .description("one case with its exhibits")
    .action((id: string) => go(async (s) => (await import("./case.ts")).caseShow(s, id)));
  cases
    .command("note <id> <text>")
    .description("add a note to a case; it cannot be removed")
    .action((id: string, text: string) => go(async (s) => (await import("./case.ts")).caseNote(s, id, text)));

  wishOptions(program.command("plan <target>").description("print the steps, calls, rights, footprint and estimate; change nothing")).action(
    (target: string, o: Options) => go(async (s) => (await import("./plan.ts")).plan(s, [target], o)),
  );
  wishOptions(program.command("collect <target...>").description("collect, seal and record"))
    .option("--dry-run", "the same as plan")
    .option("--detach", "collect in the background; `holdfast status --follow` watches")
    .addHelpText(
      "before",
      examples(
        'holdfast collect host:local --case C-7 --reason "alert 4711"',
        'holdfast collect host:local --case C-7 --reason "alert 4711" --disk /dev/sdb --vault main',
        'holdfast collect host:local --case C-7 --reason "alert 4711" --kind access-logs --since 36h --log /srv/app/log',
      ),
    )
    .action((targets: string[], o: Options) =>
      go(async (s) => (o["dryRun"] === true ? (await import("./plan.ts")).plan(s, targets, o) : (await import("./collect.ts")).collect(s, targets, o))),
    );
  const contain = program
    .command("contain [target]")
    .description("cut a cloud target off by itself; every change is recorded with its state before")
    .option("--network", "all its interfaces into quarantine, live connections cut too")
    .option("--identity", "its role detached, and the sessions that the role gave out revoked")
    .option("--identity-user <name...>", "disable the keys of this user of the account")
    .option("--case <ID>", "the case; opened if it does not exist")
    .option("--reason <TEXT>", "why; recorded with every act")
    .option("--authority <TEXT>", "warrant, policy, ticket")
    .action((target: string | undefined, o: Options) => go(async (s) => (await import("./contain.ts")).contain(s, target ?? null, o)));
  contain
    .command("undo <collection>")
    .description("put back what a collection changed: freezing and containment, last first")
    .option("--reason <TEXT>")
    .action((id: string, o: Options) => go(async (s) => (await import("./contain.ts")).containUndo(s, id, o)));
  program
    .command("resume <collection>")
    .description("go on after an interruption")
    .action((id: string) => go(async (s) => (await import("./resume.ts")).resume(s, id)));
  program
    .command("status [collection]")
    .description("progress and journal")
    .option("--follow", "until it ends")
    .action((id: string | undefined, o: Options) => go(async (s) => (await import("./status.ts")).status(s, id ?? null, o["follow"] === true)));
  program
    .command("cancel <collection>")
    .description("stop, keeping what is sealed")
    .action((id: string) => go(async (s) => (await import("./cancel.ts")).cancel(s, id)));
  program
    .command("cleanup [collection]")
    .description("remove temporary access and unfinished uploads left behind")
    .action((id: string | undefined) => go(async (s) => (await import("./cleanup.ts")).cleanup(s, id ?? null)));

  program
    .command("exhibits")
    .description("list exhibits")
    .option("--case <ID>")
    .action((o: Options) => go(async (s) => (await import("./exhibits.ts")).exhibits(s, text(o["case"]))));
  program
    .command("custody <exhibit>")
    .description("the custody record of one exhibit")
    .option("--out <DIR>", "a new folder for the record and its receipt, as files that openssl, sha256sum and the verifiers check without us")
    .action((id: string, o: Options) => go(async (s) => (await import("./custody.ts")).custody(s, id, text(o["out"]))));
  program
    .command("verify [exhibit...]")
    .description("read everything again and recompute; ledger and exhibits")
    .option("--case <ID>")
    .option("--quick", "ask the stores for checksums and locks, without downloading")
    .option("--offline", "check what the witnesses gave, without asking them now")
    .action((ids: string[], o: Options) =>
      go(async (s) => (await import("./verify.ts")).verify(s, ids, text(o["case"]), o["quick"] === true, o["offline"] === true)),
    );
  program
    .command("fetch <exhibit>")
    .description("restore the raw bytes, verified while written; an act")
    .option("--out <FILE>", "a new file")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((id: string, o: Options) => go(async (s) => (await import("./fetch.ts")).fetch(s, id, o)));
  addCustodyCommands(program, go);
  const retain = program.command("retain").description("retention");
  addSweepCommand(retain, go);
  retain
    .command("extend <exhibit...>")
    .description("keep longer; never shorter")
    .option("--until <TIME>", "RFC 3339")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((ids: string[], o: Options) => go(async (s) => (await import("./retain.ts")).retainExtend(s, ids, o)));
  retain
    .command("cut <exhibit...>")
    .description("keep shorter; a governance lock only, and a second person approves")
    .option("--until <TIME>", "RFC 3339")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((ids: string[], o: Options) => go(async (s) => (await import("./retain.ts")).retainCut(s, ids, o)));
  addLedgerCommands(program, go);
  const policy = program.command("policy").description("least-privilege policies, made of the calls that holdfast makes");
  policy
    .command("iam")
    .description("print the policies that a cloud's roles need")
    .option("--cloud <NAME>", "aws")
    .option("--role <NAME>", "collector, evidence, vault or contain: the bare document of one role")
    .option("--account <ID>", "the account they are for; default: the one of the configuration, else any")
    .option("--vault <NAME>", "an S3 vault of the configuration")
    .option("--log-bucket <name...>", "a bucket of logs that do not lie under AWSLogs/")
    .action((o: Options) => go(async (s) => (await import("./policy.ts")).policyIam(s, o)));
  program
    .command("schema [name]")
    .description("print the JSON Schema of a document")
    .action((name: string | undefined) => go(async (s) => (await import("./schema.ts")).schema(s, name ?? null)));
  program
    .command("completion <shell>")
    .description("print a completion script for bash, zsh or fish")
    .action((shell: string) => go(async (s) => (await import("./completion.ts")).completion(s, shell, program)));
  inherit(program);
  return program;
}

/** Subcommands do not take over exitOverride and suggestions by themselves. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride().showSuggestionAfterError();
    inherit(child);
  }
}

function wishOptions(command: Command): Command {
  return command
    .option("--case <ID>", "the case; opened if it does not exist")
    .option("--reason <TEXT>", "why; recorded with every act")
    .option("--authority <TEXT>", "warrant, policy, ticket")
    .option("--kind <KINDS>", "comma-separated: state, memory, flow-logs, access-logs, disk-image …")
    .option("--since <TIME>", "RFC 3339, or back from now: 36h, 7d")
    .option("--until <TIME>", "RFC 3339, or back from now")
    .option("--disk <path...>", "take this block device or image file whole; on a cloud a volume's id or device name")
    .option("--pid <n...>", "take the memory of this process")
    .option("--log <path...>", "take this log file or tree as well; on a cloud the ARN of a bucket, load balancer or log group")
    .addOption(new Option("--compress <HOW>", "how images are stored").choices(["auto", "none", "zstd"]).default("auto"))
    .option("--vault <NAME>", "a vault of the configuration")
    .option("--retain <DURATION>", "keep at least this long: 90d, 7y")
    .option("--legal-hold", "set a legal hold at once")
    .option("--isolate <WHEN>", "cut the network of a cloud target: now or after-memory")
    .option("--identity", "with --isolate: its role too, and the sessions that the role gave out")
    .option("--identity-user <name...>", "with --isolate: disable the keys of this user of the account");
}

export function globalOptions(o: Options, environment: Environment): GlobalOptions {
  return {
    home: text(o["home"]),
    config: text(o["config"]),
    server: text(o["server"]) ?? (environment["HOLDFAST_SERVER"] || null),
    json: o["json"] === true,
    jsonl: o["jsonl"] === true,
    quiet: o["quiet"] === true,
    verbose: o["verbose"] === true,
    color: o["color"] !== false && !environment["NO_COLOR"],
    input: o["input"] !== false,
  };
}

function text(value: string | string[] | boolean | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function examples(...lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string }; // our own file
  return manifest.version;
}
