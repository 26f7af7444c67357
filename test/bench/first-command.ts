import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openAwsStory, target } from "../story/aws-story.ts";
import { launcher } from "../story/holdfast.ts";
import { cpuOf, median, report } from "./store-contest.ts";

// How long the memory of an instance goes on fading: from the start of the process to the arrival of the first ssm:SendCommand, with
// all that design.md has before it. `npm run bench first-command -- [--rounds N] [--latency MS,MS…]`. Latency is that of each answer;
// an instance is frozen once, so that every round has a world of its own. Processor time is what a busy machine cannot change; Node
// that does nothing is the yardstick. Needs root, as the story's machine does.
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, latency: { type: "string", default: "0,20" } } });
type Call = { readonly name: string; readonly ms: number };
type Seen = { readonly calls: readonly Call[]; readonly firstMs: number; readonly cpuMs: number; readonly nodeMs: number };

const rows = [];
let calls: readonly Call[] = [];
for (const latency of values.latency.split(",").map(Number)) {
  const rounds: Seen[] = [];
  for (let round = 0; round <= Number(values.rounds); round += 1) {
    const seen = await firstCommand(latency);
    if (round === 0) continue; // the code cache, as every run but a user's first finds it
    rounds.push(seen);
    console.error(`round ${round} at ${latency} ms: ${seen.firstMs} ms, ${seen.cpuMs} ms of processor, node ${seen.nodeMs} ms`);
  }
  const of = (what: (seen: Seen) => number): number => Math.round(median(rounds.map(what)));
  calls = rounds.toSorted((a, b) => a.firstMs - b.firstMs)[rounds.length >> 1]?.calls ?? [];
  rows.push({
    latencyMs: latency,
    medianMs: of(({ firstMs }) => firstMs),
    minMs: Math.min(...rounds.map(({ firstMs }) => firstMs)),
    maxMs: Math.max(...rounds.map(({ firstMs }) => firstMs)),
    cpuMs: of(({ cpuMs }) => cpuMs),
    nodeMs: of(({ nodeMs }) => nodeMs),
    toFirstCallMs: of((seen) => seen.calls[0]?.ms ?? 0),
    callsBefore: calls.length - 1,
    targetMs: 500,
  });
}
console.table(rows);
console.table(calls.map(({ name, ms }, i) => ({ name, ms, since: ms - (calls[i - 1]?.ms ?? 0) })));
report("first-command", { rounds: Number(values.rounds), rows, calls });

/** Up to the first command: every call by its arrival in ms since the process was started. */
async function firstCommand(latency: number): Promise<Seen> {
  const story = await openAwsStory({ hours: 1 });
  try {
    const env = { ...process.env, ...story.env };
    await once(spawn(process.execPath, [launcher, "--no-input", "init"], { env, stdio: "ignore" }), "close");
    const idle = Date.now();
    await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "close");
    const nodeMs = Date.now() - idle;
    story.fake.faults.latencyMs = latency;
    const begun = Date.now();
    const args = ["--json", "--no-input", "collect", target, "--case", "B", "--reason", "bench", "--kind", "memory"];
    const child = spawn(process.execPath, [launcher, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = once(child, "close");
    let first = -1;
    let cpuMs = 0;
    while (first < 0 && child.exitCode === null) {
      await sleep(5);
      cpuMs = 1000 * cpuOf(child);
      first = story.fake.exchanges.findIndex(({ operation }) => operation === "SendCommand");
    }
    child.kill("SIGKILL");
    await ended;
    if (first < 0) throw new Error(`no command was sent: ${said}`);
    const seen = story.fake.exchanges.slice(0, first + 1).map(({ service, operation, at }) => ({ name: `${service}:${operation}`, ms: at.getTime() - begun }));
    return { calls: seen, firstMs: seen.at(-1)?.ms ?? 0, cpuMs, nodeMs };
  } finally {
    await story.close();
  }
}
