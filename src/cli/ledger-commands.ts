import type { Command } from "commander";
import type { Options } from "./options.ts";
import type { Session } from "./session.ts";

/** The commands about the ledger itself: its proofs, its keys, its way back. */
export function addLedgerCommands(program: Command, go: (body: (session: Session) => Promise<number>) => Promise<void>): void {
  const ledger = program.command("ledger").description("the ledger itself");
  ledger
    .command("checkpoint")
    .description("the signed note of the newest checkpoint")
    .action(() => go(async (s) => (await import("./ledger.ts")).ledgerCheckpoint(s)));
  ledger
    .command("audit")
    .description("recompute the whole ledger, and hold it against all anchors")
    .option("--offline", "check what the witnesses gave, without asking them now")
    .option("--receipts <DIR>", "hold it against receipts that others keep, too: custody.json, exhibit.json, .tlog-proof, checkpoint")
    .action((o: Options) => go(async (s) => (await import("./ledger.ts")).ledgerAudit(s, o)));
  ledger
    .command("anchor")
    .description("have the newest head mirrored, and vouched for by witnesses and timestamp authorities, now")
    .action(() => go(async (s) => (await import("./ledger-anchor.ts")).ledgerAnchor(s)));
  ledger
    .command("export <dir>")
    .description("write the ledger as a C2SP tlog-tiles tree, or bring an earlier export up to date")
    .action((dir: string) => go(async (s) => (await import("./ledger-export.ts")).ledgerExport(s, dir)));
  ledger
    .command("proof <seq>")
    .description("the .tlog-proof of one act under the newest checkpoint")
    .action((seq: string) => go(async (s) => (await import("./ledger-export.ts")).ledgerProof(s, seq)));
  ledger
    .command("reconcile")
    .description("hold the vault's own access logs against our acts")
    .option("--since <TIME>", "RFC 3339, or back from now")
    .option("--logs <PLACE>", "s3://BUCKET/PREFIX or a folder: S3 server access logs, or CloudTrail files with data events (.json, .json.gz)")
    .option("--tolerance <DURATION>", "how far a call without a recorded id may lie from its act; longer than the longest verify (15m)")
    .addHelpText("after", reconcileHelp)
    .action((o: Options) => go(async (s) => (await import("./ledger-reconcile.ts")).ledgerReconcile(s, o)));
  const key = program.command("key").description("the ledger's keys");
  key
    .command("show")
    .description("fingerprints and verifier keys, how they are kept, since when")
    .action(() => go(async (s) => (await import("./key.ts")).keyShow(s)));
  key
    .command("rotate")
    .description("new keys, once a second person has approved; the same command again takes them into use")
    .option("--kms <arn...>", "the ARN of a key in AWS KMS (ECC_NIST_EDWARDS25519 or ML_DSA_44) that signs instead of one in a file")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((o: Options) => go(async (s) => (await import("./key.ts")).keyRotate(s, o)));
  key
    .command("revoke")
    .description("new keys at once, because the old ones may be in other hands")
    .option("--kms <arn...>", "the ARN of a key in AWS KMS (ECC_NIST_EDWARDS25519 or ML_DSA_44) that signs instead of one in a file")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((o: Options) => go(async (s) => (await import("./key.ts")).keyRevoke(s, o)));
  key
    .command("backup")
    .description("the private keys under a passphrase; whoever has both can sign as this ledger")
    .option("--out <FILE>", "a new file")
    .option("--passphrase-file <FILE>", "its first line is the passphrase; else it is asked")
    .option("--reason <TEXT>")
    .option("--authority <TEXT>")
    .action((o: Options) => go(async (s) => (await import("./key.ts")).keyBackup(s, o)));
  program
    .command("restore")
    .description("bring a lost home's ledger back from its mirror in a vault")
    .option("--from <VAULT>", "the vault of the configuration that mirrors it")
    .option("--key-backup <FILE>", "what `key backup` wrote; without it the origin is lost, and a new one begins that names it")
    .option("--passphrase-file <FILE>", "its first line is the passphrase of the key backup")
    .option("--origin <NAME>", "which log, where the vault mirrors several")
    .option("--new-origin <NAME>", "without the keys: the origin that begins")
    .option("--reason <TEXT>")
    .action((o: Options) => go(async (s) => (await import("./restore.ts")).restore(s, o)));
}

const reconcileHelp = `
What a bucket holds is read twice and where it lies, every version of it (s3:ListBucketVersions, s3:GetObject, s3:GetObjectVersion there).
A call is ours where an act names its request id; else where it lies beside an act that does such a thing, on the same key, and comes from
a principal whose request ids are ours. Whoever holds our own credentials and reads within the tolerance of an act is not seen.

Exit 0: every call that the logs hold is explained. 9, with the reason in "outcome": a read, write, deletion or change of a lock, also a
refused one, is explained by no act (unexplained); lines could not be read, acts have no call in the logs (which come late and not all), or no
id of ours is there to tell who we are (partial); the logs hold no call since then (nothing-logged). Whether the bytes are still what they were, verify says.
`;
