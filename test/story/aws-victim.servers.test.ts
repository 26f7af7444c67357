import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectVictim, parseVictimInfo, type VictimInfo } from "../clouds/aws/victim-machine.ts";
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
    const info = parseVictimInfo(execFileSync(victim, ["info"], { encoding: "utf8" }));
    const machine = await connectVictim(info);
    const marker = execFileSync(victim, ["marker"], { encoding: "utf8" }).trim();
    const story = await openAwsStory({ machine, tool: readFileSync(avml) });
    try {
      if ((await machine.ask("command -v curl || true")) === "") giveCurl(info);
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

/** The machine is smaller than any image of a cloud, which all have curl: it gets this computer's, with its libraries. */
function giveCurl({ host, port, identity, knownHosts }: VictimInfo): void {
  const pack = `set -e; d=$(mktemp -d); cp "$(command -v curl)" $d/curl; for lib in $(ldd $d/curl | grep -o '/[^ ]*'); do cp $lib $d/; done; tar -C $d -cf - .; rm -r $d`;
  const files = execFileSync("bash", ["-c", pack], { maxBuffer: 1 << 28 });
  const unpack = `mkdir -p /opt/curl && tar -C /opt/curl -xf - && printf '#!/bin/sh\\nexec /opt/curl/ld-linux-x86-64.so.2 --library-path /opt/curl /opt/curl/curl "$@"\\n' >/usr/bin/curl && chmod 755 /usr/bin/curl && curl --version`;
  const trust = ["-i", identity, "-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${knownHosts}`, "-o", "StrictHostKeyChecking=yes"];
  const ran = spawnSync("ssh", [...trust, "-o", "BatchMode=yes", "-p", String(port), `root@${host}`, unpack], { input: files, encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`curl could not be brought to the machine: ${ran.stderr}`);
}
