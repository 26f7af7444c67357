import type { Command } from "commander";
import type { Session } from "./session.ts";

type Options = Readonly<Record<string, string | string[] | boolean | undefined>>;
type Go = (body: (session: Session) => Promise<number>) => Promise<void>;

/** What people do to exhibits besides reading them, the second person's commands, and actors. */
export function addCustodyCommands(program: Command, go: Go): void {
  const hold = program.command("hold").description("legal holds");
  why(hold.command("set <exhibit...>").description("set a legal hold")).action((ids: string[], o: Options) =>
    go(async (s) => (await import("./hold.ts")).holdSet(s, ids, o)),
  );
  why(hold.command("clear <exhibit...>").description("clear a legal hold; a second person approves")).action((ids: string[], o: Options) =>
    go(async (s) => (await import("./hold.ts")).holdClear(s, ids, o)),
  );
  why(program.command("transfer <exhibit...>").description("hand over to another person; hashed again first, complete when they acknowledge"))
    .option("--to <ID>", "the id under which the receiver signs")
    .action((ids: string[], o: Options) => go(async (s) => (await import("./hand-over.ts")).transfer(s, ids, o)));
  why(program.command("acknowledge <exhibit...>").description("sign that you have received what was transferred to you")).action((ids: string[], o: Options) =>
    go(async (s) => (await import("./hand-over.ts")).acknowledge(s, ids, o)),
  );
  why(program.command("release <exhibit...>").description("give out of custody; a second person approves"))
    .option("--to <TEXT>", "to whom")
    .action((ids: string[], o: Options) => go(async (s) => (await import("./hand-over.ts")).release(s, ids, o)));
  why(program.command("dispose <exhibit...>").description("delete at the vault after its retention has ended; a second person approves")).action(
    (ids: string[], o: Options) => go(async (s) => (await import("./hand-over.ts")).dispose(s, ids, o)),
  );
  why(program.command("correct <act> <text>").description("say that an act is wrong and what is right; nothing is changed")).action(
    (seq: string, text: string, o: Options) => go(async (s) => (await import("./hand-over.ts")).correct(s, seq, text, o)),
  );
  program
    .command("requests")
    .description("what waits for a second person, and what has become of it")
    .action(() => go(async (s) => (await import("./hand-over.ts")).requests(s)));
  program
    .command("approve <request>")
    .description("agree to another person's request, with your own key")
    .option("--hash <HEX>", "the hash that you were told; refused where the request is another")
    .option("--reason <TEXT>")
    .action((request: string, o: Options) => go(async (s) => (await import("./hand-over.ts")).approve(s, request, o)));

  const actor = program.command("actor").description("people's and machines' SSH keys, with which they sign their acts");
  why(actor.command("enrol [id]").description("enrol a key; the first needs nobody, every later one a second person"))
    .option("--key <FILE>", "a .pub file; default: that of the configuration's actor")
    .option("--machine", "it is a machine's, and never approves")
    .action((id: string | undefined, o: Options) => go(async (s) => (await import("./actor.ts")).actorEnrol(s, id ?? null, o)));
  actor
    .command("list")
    .description("who is enrolled, and was")
    .action(() => go(async (s) => (await import("./actor.ts")).actorList(s)));
  why(actor.command("revoke <id>").description("no act is signed with this key any more; a second person approves"))
    .option("--key <FINGERPRINT>", "which, where the id has several")
    .action((id: string, o: Options) => go(async (s) => (await import("./actor.ts")).actorRevoke(s, id, o)));
  actor
    .command("signature <act>")
    .description("write what ssh-keygen needs to check the signature of an act")
    .option("--out <FILE>", "a new file; FILE.sig and FILE.allowed beside it")
    .action((seq: string, o: Options) => go(async (s) => (await import("./actor.ts")).actorSignature(s, seq, o)));
}

function why(command: Command): Command {
  return command.option("--reason <TEXT>", "why; recorded").option("--authority <TEXT>", "warrant, policy, ticket");
}
