import type { Command } from "commander";
import type { Session } from "./session.ts";

type Options = Readonly<Record<string, string | string[] | boolean | undefined>>;
type Go = (body: (session: Session) => Promise<number>) => Promise<void>;

/** Renewal, by a timer. */
export function addSweepCommand(retain: Command, go: Go): void {
  retain
    .command("sweep")
    .description("read every lock and hold back, and renew what ends soon")
    .option("--dry-run", "say what is due and what is broken; change and record nothing")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .addHelpText("after", sweepHelp)
    .action((o: Options) => go(async (s) => (await import("./retain-sweep.ts")).retainSweep(s, o)));
}

const sweepHelp = `
An exhibit is due when its retention ends within retention.renewBefore of the configuration (30d), or, where it is kept for less than
twice that, when half of its period has gone. It is then kept for its period from now: the longest of vault, class, kind and severity.
What two persons have cut is left to end on their day, unless a hold or an extension comes after. The ledger's mirror and the exhibit.json
beside each object are read back too, and are kept longer than the evidence that they prove.
Run it by a timer; it may be run again at any time. It lists what was renewed, is due, or is not as promised; the rest is counted.

Exit 0: all locks are as promised, and nothing that is due was left. 5: a lock or hold that was promised and shown is weaker, shorter,
lapsed or gone, or an object is missing or has another checksum; recorded as an act. 4: something due was not renewed. 9: something
could not be read, a vault that did not answer included. The first of these that holds. That the sweep was made is an act as well.
`;
