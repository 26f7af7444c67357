import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectVictim, parseVictimInfo } from "../clouds/aws/victim-machine.ts";
import { openAwsStory, target } from "./aws-story.ts";
import { type ExhibitJson, holdfast, holdfastJson } from "./holdfast.ts";

/** Programs of whoever runs this: one with the commands `start`, `info` and `marker`, and a static AVML. */
const victim = process.env["HOLDFAST_TEST_VICTIM"] ?? "";
const avml = process.env["HOLDFAST_TEST_AVML"] ?? "";

test.skipIf(victim === "" || avml === "")(
  "memory of a real machine by the real AVML, through SSM and presigned links: whole, with the marker that a process holds (HOLDFAST_TEST_VICTIM, HOLDFAST_TEST_AVML)",
  { timeout: 1_800_000 },
  async () => {
    execFileSync(victim, ["start"], { stdio: "ignore" });
    const machine = await connectVictim(parseVictimInfo(execFileSync(victim, ["info"], { encoding: "utf8" })));
    const marker = execFileSync(victim, ["marker"], { encoding: "utf8" }).trim();
    const story = await openAwsStory({ machine, tool: readFileSync(avml) });
    try {
      await machine.reach(Number(new URL(story.s3?.url ?? "").port));
      const ran = await holdfast(["collect", target, "--case", "V", "--reason", "r", "--kind", "memory"], { env: story.env });
      expect(ran.code, ran.stderr).toBe(0);
      console.log(ran.stdout.split("\n")[0]);
      const { json } = await holdfastJson<{ readonly exhibits: readonly ExhibitJson[] }>(["exhibits", "--case", "V"], { env: story.env });
      expect(json.exhibits).toMatchObject([{ kind: "memory", outcome: "collected", stored: { sealed: true } }]);
      const [packed, plain] = [join(story.dir, "memory.lime"), join(story.dir, "memory.raw")];
      const fetched = await holdfast(["fetch", "V/001", "--out", packed, "--reason", "look"], { env: story.env });
      expect(fetched.code, fetched.stderr).toBe(0);
      execFileSync(avml, ["convert", "--source-format", "lime_compressed", "--format", "lime", packed, plain]);
      expect(Number(execFileSync("grep", ["-c", "-a", "-F", marker, plain], { encoding: "utf8" }))).toBeGreaterThan(0);
      expect(await machine.ask("ls -A /dev/shm /run | grep holdfast || echo nothing")).toBe("nothing\n");
    } finally {
      await story.close();
      await machine.stop();
    }
  },
);
