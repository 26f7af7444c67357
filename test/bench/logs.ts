import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openAwsFake } from "../clouds/aws/aws-fake.ts";
import { makeAwsWorld } from "../clouds/aws/aws-world.ts";
import { born, victimPlace, worldNames } from "../clouds/aws/aws-world-names.ts";
import { generatedGroup } from "../clouds/aws/logs-world.ts";
import { cacheDirectory, toolPath } from "../clouds/setup.ts";
import { launcher, temporary } from "../story/holdfast.ts";
import { interleave, median, report, type Run, run } from "./store-contest.ts";

// The events of a CloudWatch group, through the flow-logs room into a directory vault: rate, and peak memory by their number.
// Beside it what people run today, which pages to the end as well and writes a file. `npm run bench logs -- [--rounds N]
// [--events N,N…]`. The stand-in makes the events up as they are asked for, and takes most of the time of all of them.
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, events: { type: "string", default: "100000,1000000" } } });
const counts = values.events.split(",").map(Number);
const hour = 3_600_000;
const until = new Date(Math.floor(Date.now() / hour) * hour - hour);
const since = new Date(until.getTime() - 24 * hour);
// The ones that `run` gives to every program.
const keys = { accessKeyId: "bench", secretAccessKey: "bench-secret" };

using folder = temporary("bench");
const home = join(folder.path, "home");
const world = makeAwsWorld({ credentials: keys });
const [face, other] = world.network.interfaces;
const { interfaces, flowLogs } = world.ec2.network;
// One interface with one flow log, which goes to a group: nothing but this is measured.
interfaces.splice(interfaces.indexOf(other), 1);
flowLogs.splice(0, flowLogs.length, ...flowLogs.filter(({ destination }) => destination.kind === "cloud-watch-logs"));
const fake = await openAwsFake({ services: world.services, keys: world.keyRing, keepBodies: false });
Object.assign(process.env, {
  HOLDFAST_HOME: home,
  AWS_ENDPOINT_URL: fake.url,
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
});
try {
  await run(process.execPath, [launcher, "--no-input", "init"]);
  plant(1);
  await holdfast(1); // the code cache, as every run but a user's first finds it
  const rows = [];
  for (const count of counts) {
    plant(count);
    const contestants: Readonly<Record<string, () => Promise<Run>>> = {
      holdfast: () => holdfast(count),
      "aws logs filter-log-events > json": () => filter(count, "json"),
      "aws logs filter-log-events > text": () => filter(count, "text"),
    };
    const results = await interleave(Object.keys(contestants), Number(values.rounds), async (name) => {
      return (await contestants[name]?.()) ?? Promise.reject(new TypeError(name));
    });
    const own = results.get("holdfast") ?? [];
    for (const [name, runs] of results)
      rows.push({
        events: count,
        name,
        medianSeconds: Number(median(runs.map((r) => r.seconds)).toFixed(2)),
        eventsPerSecond: Math.round(count / median(runs.map((r) => r.seconds))),
        medianCpuSeconds: Number(median(runs.map((r) => r.cpuSeconds)).toFixed(2)),
        peakMiB: Math.round(Math.max(...runs.map((r) => r.peakMiB))),
        holdfastRatio: Number(median(own.map((r, i) => r.seconds / (runs[i]?.seconds ?? 1))).toFixed(2)),
      });
  }
  console.table(rows);
  if (fake.unknown.length > 0) throw new Error(`the stand-in was asked what it does not know: ${fake.unknown[0]}`);
  report("logs", { rounds: Number(values.rounds), rows });
} finally {
  await fake.close();
}

function plant(count: number): void {
  const everyMs = Math.floor((24 * hour) / Math.max(...counts));
  world.logs.groups.splice(
    0,
    world.logs.groups.length,
    generatedGroup({ ...victimPlace, name: worldNames.flowGroup, created: born }, count, since, everyMs, [face.id]),
  );
}

/** Hashed, signed, stored, read back, in the ledger; it counts only with every event in it. */
async function holdfast(count: number): Promise<Run> {
  const target = `aws:${worldNames.region}:${worldNames.instance}`;
  const window = ["--since", since.toISOString(), "--until", until.toISOString()];
  const args = ["--json", "--no-input", "collect", target, "--case", "B", "--reason", "bench", "--kind", "flow-logs", "--vault", "here", ...window];
  const result = await run(process.execPath, [launcher, ...args]);
  const exhibit = JSON.parse(result.stdout).collections[0].exhibits[0];
  if (exhibit.outcome !== "collected" || exhibit.stored.problems.length > 0) throw new Error(`not stored: ${result.stdout}`);
  await mustHave(fileURLToPath(exhibit.stored.uri), count);
  return result;
}

async function filter(count: number, output: string): Promise<Run> {
  const file = join(folder.path, "events");
  const program = [toolPath(cacheDirectory(process.env), "aws"), "logs", "filter-log-events", "--region", worldNames.region];
  const window = ["--log-group-name", worldNames.flowGroup, "--start-time", String(since.getTime()), "--end-time", String(until.getTime())];
  const result = await run("sh", ["-c", 'exec "$@" > "$0"', file, ...program, ...window, "--output", output]);
  await mustHave(file, count);
  rmSync(file);
  return result;
}

/** No faster run with half of the events. */
async function mustHave(file: string, count: number): Promise<void> {
  const ending = " ACCEPT OK";
  let found = 0;
  let rest = "";
  for await (const piece of createReadStream(file, { encoding: "latin1", highWaterMark: 1 << 20 })) {
    const text = rest + piece;
    found += text.split(ending).length - 1;
    rest = text.slice(Math.max(text.lastIndexOf(ending) + 1, text.length - ending.length));
  }
  if (found !== count) throw new Error(`${file} has ${found} events and not ${count}`);
}
