import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { type CollectJson, holdfast, holdfastJson, launcher, startHoldfast, temporary } from "./holdfast.ts";
import { makeImage } from "./images.ts";
import { s3Home } from "./s3-home.ts";

const mib = 1024 * 1024;
type StatusJson = { readonly collections: readonly { readonly collection: string; readonly state: string }[] };

/** Runs `holdfast ARGS` with its output joined to other programs by a shell; exit code of holdfast in `code`. */
function shell(line: string, home: string, args: readonly string[]): { readonly code: number; readonly stdout: string; readonly stderr: string } {
  const script = `{ "$NODE" "$LAUNCHER" "$@"; echo "code $?" >&3; } ${line}`;
  const env = { ...process.env, HOLDFAST_HOME: home, NODE: process.execPath, LAUNCHER: launcher };
  const ran = spawnSync("sh", ["-c", script, "sh", ...args], { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe", "pipe"] });
  return { code: Number(/code (\d+)/.exec(ran.output[3] ?? "")?.[1] ?? Number.NaN), stdout: ran.stdout, stderr: ran.stderr };
}

describe("a reader that leaves does not end the work", () => {
  const collect = (logs: string): readonly string[] => ["collect", "host:local", "--case", "P", "--reason", "r", "--kind", "access-logs", "--log", logs];
  test.for([
    { name: "stderr into head -1", line: "2>&1 >/dev/null | head -1", code: 0 },
    { name: "stderr into a pipe that nobody reads", line: "2>&1 >/dev/null | true", code: 0 },
    { name: "stdout into a pipe that nobody reads", line: "| true", code: 0 },
    { name: "stdout and stderr into a pipe that nobody reads", line: "2>&1 | true", code: 0 },
    { name: "stdout on a full disk, which is a loss and is told", line: ">/dev/full", code: 1 },
    { name: "stderr on a full disk", line: "2>/dev/full", code: 0 },
  ])("$name: the collection is finished", async ({ line, code }) => {
    using dir = temporary("pipe");
    const logs = join(dir.path, "logs");
    mkdirSync(logs);
    writeFileSync(join(logs, "a.log"), "x\n");
    const home = join(dir.path, "home");
    const ran = shell(line, home, collect(logs));
    expect([ran.code, ran.stderr.includes("    at ")], ran.stderr).toEqual([code, false]);
    if (code === 1) expect(ran.stderr).toMatch(/could not be written: ENOSPC/);
    expect((await holdfastJson<StatusJson>(["status"], { home })).json.collections.map(({ state }) => state)).toEqual(["finished"]);
  });
});

describe("Ctrl-C", () => {
  test("status --follow and resume are exit 130; resume says how to go on and prints what is there", async () => {
    using dir = temporary("ctrl-c");
    const image = join(dir.path, "disk.img");
    makeImage(image, 120 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [{ on: "UploadPart", times: Number.POSITIVE_INFINITY, does: { kind: "slow", bytesPerSecond: 5 * mib } }]);
    const uploads = (): number => fake.requests.filter((r) => r.operation === "UploadPart").length;
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const args = ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--compress", "none"];
      const collecting = startHoldfast(args, options);
      await expect.poll(uploads, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
      const following = startHoldfast(["status", "--follow"], options);
      const told = new Promise((resolve) => following.child.stderr?.once("data", resolve));
      await told;
      following.child.kill("SIGINT");
      const followed = await following.ended;
      expect([followed.code, followed.stdout, followed.stderr]).toEqual([130, "", expect.not.stringMatching(/not foreseen/)]);
      collecting.child.kill("SIGKILL");
      await collecting.ended;

      const id = (await holdfastJson<StatusJson>(["status"], options)).json.collections[0]?.collection ?? "";
      const before = uploads();
      const resuming = startHoldfast(["resume", id, "--json"], options);
      await expect.poll(uploads, { timeout: 20_000 }).toBeGreaterThan(before);
      resuming.child.kill("SIGINT");
      const resumed = await resuming.ended;
      expect([resumed.code, resumed.stderr]).toEqual([130, expect.stringContaining(`Go on with: holdfast resume ${id}`)]);
      const json = JSON.parse(resumed.stdout) as CollectJson & { readonly schema: string };
      expect([json.schema, json.collections.map(({ collection }) => collection)]).toEqual(["holdfast.collect/1", [id]]);

      proxy.clear();
      expect((await holdfastJson<CollectJson>(["resume", id], options)).json.outcome).toBe("collected");
      expect((await holdfast(["resume", id], options)).code).toBe(0);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });
});
