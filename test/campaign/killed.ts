import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ActReceipt } from "../../src/core/act.ts";
import type { AnchorPolicy } from "../../src/ledger/anchors/anchor-policy.ts";
import { parseBody } from "../../src/ledger/format/checkpoint.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { parseNote } from "../../src/ledger/format/note.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { readHead } from "../damaged/tamper.ts";
import { ORIGIN, tempHome } from "../ledger/support.ts";
import { heads, judgeHome } from "./judge-home.ts";
import { killPoints } from "./kill-points.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { seeded } from "./seeded.ts";

const child = fileURLToPath(new URL("kill-child.ts", import.meta.url));
const KILLS_A_HOME = 24;

/** `count` kills of a writer under load, in turn at each point and at random moments, `KILLS_A_HOME` on one home after the other. */
export async function killed({ seed, count, say }: CampaignWish): Promise<CampaignEnd> {
  const random = seeded(seed);
  const failures: string[] = [];
  const tally = { kills: 0, receipts: 0, heads: 0, homes: 0 };
  for (let done = 0; done < count; done += KILLS_A_HOME) {
    using home = tempHome();
    const { vkeys } = readVkeys(home.paths.keys);
    const witness = await startWitness("witness.example/w1", ORIGIN, vkeys);
    const receipts: ActReceipt[] = [];
    tally.homes += 1;
    for (let i = done; i < Math.min(done + KILLS_A_HOME, count); i += 1) {
      const point = [...killPoints, "never"][i % (killPoints.length + 1)] ?? "never";
      const run = start(home.dir, [`k${i}`, witness.url, witness.vkey, point, String(1 + random.int(6))]);
      if (point === "never") {
        await Promise.race([new Promise((resolve) => run.process.stdout?.once("data", resolve)), run.ended]);
        await new Promise((resolve) => setTimeout(resolve, random.int(80)));
        run.process.kill("SIGKILL");
      }
      const end = await run.ended;
      receipts.push(...end.receipts);
      tally.receipts += end.receipts.length;
      if (end.signal === "SIGKILL") tally.kills += 1;
      else failures.push(`kill ${i} at ${point}: the writer ended by itself: ${end.stderr.slice(0, 500)}`);
      for (const wrong of await judge(home.paths, receipts, witness)) failures.push(`kill ${i} at ${point}: ${wrong}`);
    }
    tally.heads += heads(home.paths, receipts).size;
    await witness.stop();
    say(`${Math.min(done + KILLS_A_HOME, count)} kills, ${failures.length} failures`);
  }
  return {
    summary: `killed: seed ${seed}: ${tally.kills} kills on ${tally.homes} homes: each of ${tally.receipts} receipts names an act that is there, ${tally.heads} heads of as many sizes`,
    failures,
  };
}

function start(
  dir: string,
  args: readonly string[],
): { readonly process: ChildProcess; readonly ended: Promise<{ receipts: ActReceipt[]; signal: string | null; stderr: string }> } {
  const spawned = spawn(process.execPath, [child, dir, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let stderr = "";
  spawned.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  spawned.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ receipts: ActReceipt[]; signal: string | null; stderr: string }>((resolve) => {
    spawned.on("close", (_, signal) => {
      const lines = out.split("\n").slice(0, -1);
      resolve({ receipts: lines.flatMap((line): ActReceipt[] => JSON.parse(line)), signal, stderr });
    });
  });
  return { process: spawned, ended };
}

/** As `judgeHome`, and that the head is not behind what the witness has seen. */
async function judge(paths: LedgerPaths, receipts: readonly ActReceipt[], witness: WitnessFake): Promise<readonly string[]> {
  const { size } = parseBody(parseNote(readHead(paths)).text);
  const behind = size < witness.seen.size ? [`the witness has seen ${witness.seen.size} entries, and head.db says ${size}`] : [];
  const policy: AnchorPolicy = { quorum: 1, authorities: [], witnesses: [{ name: "w1", url: witness.url, key: parseWitnessKey(witness.vkey, "vkey") }] };
  return [...behind, ...(await judgeHome(paths, receipts, policy))];
}
