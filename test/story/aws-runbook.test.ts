import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VolumeContent } from "../clouds/aws/volume-content.ts";
import { worldNames } from "../clouds/aws/aws-world-names.ts";
import { type AwsStory, openAwsStory, target } from "./aws-story.ts";
import { expectCallsAsInTable } from "./calls-seen.ts";
import { type ExhibitJson, holdfast, holdfastJson, launcher, type VerifyJson } from "./holdfast.ts";

const run = promisify(execFile);
const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
const section = /^## Runbook: a compromised EC2 instance$([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
const blocks = (language: string): readonly string[] =>
  [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((m) => m[1] ?? "");
const lines = blocks("sh").flatMap((block) => block.trimEnd().split("\n"));

const hour = 3_600_000;
const root = process.getuid?.() === 0;
let story: AwsStory;
let env: Readonly<Record<string, string>>;
const exhibits = new Map<string, ExhibitJson>();

beforeAll(async () => {
  if (!root) return;
  story = await openAwsStory({ hours: 27, config: (_, sha256) => (blocks("yaml")[0] ?? "").replace("MEMORY-TOOL-SHA256", sha256) });
  env = { ...story.env, AWS_ENDPOINT_URL: story.fake.url };
});
afterAll(async () => {
  if (root) await story.close();
});

async function shell(line: string): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const command = line.replaceAll("npx holdfast", `"${process.execPath}" "${launcher}"`);
  try {
    return { code: 0, ...(await run("bash", ["-c", command], { cwd: story.dir, env: { ...process.env, NO_COLOR: "1", ...env }, maxBuffer: 1 << 26 })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

/** Runs the README's own line that begins so. */
async function readmeLine(begin: string): Promise<string> {
  const line = lines.find((one) => one.startsWith(begin));
  if (line === undefined) throw new Error(`the README's runbook has no line that begins with ${begin}`);
  const ran = await shell(line);
  expect(ran.code, `${line}\n${ran.stdout}\n${ran.stderr}`).toBe(0);
  return ran.stdout;
}

/** As S3 gives a bucket's logging back. */
function serverAccessLogsTo(bucket: string, prefix: string): string {
  const enabled = `<LoggingEnabled><TargetBucket>${bucket}</TargetBucket><TargetPrefix>${prefix}</TargetPrefix></LoggingEnabled>`;
  return `<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${enabled}</BucketLoggingStatus>`;
}

/** Every byte of a volume as it was planted. */
function volumeDigest(content: VolumeContent, gib: number): string {
  const hash = createHash("sha256");
  const zeros = Buffer.alloc(524_288);
  const written = new Set(content.written);
  for (let index = 0; index < gib * 2048; index += 1) hash.update(written.has(index) ? (content.block(index) ?? zeros) : zeros);
  return hash.digest("hex");
}

/** The time in an object's name, as flow logs and CloudTrail write it: `20261124T1110Z`, `20261124T111000Z`. */
function deliveredAt(key: string): number {
  const [, y, mo, d, h, mi] = /_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(?:\d\d)?Z/.exec(key) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:00Z`);
}

async function fetched(kind: string): Promise<string> {
  const exhibit = [...exhibits.values()].find((one) => one.kind === kind);
  const out = join(story.dir, `${kind}.bytes`);
  const ran = await holdfast(["fetch", exhibit?.id ?? "", "--out", out, "--reason", "look"], { env });
  expect(ran.code, ran.stderr).toBe(0);
  return out;
}

async function members(archive: string): Promise<string> {
  const into = `${archive}.d`;
  mkdirSync(into);
  await run("tar", ["-xf", archive, "-C", into]);
  return into;
}

describe.skipIf(!root)("the README's runbook for an EC2 instance (needs root: it makes a namespace for the machine)", () => {
  test("has a line for every step, and none that this test leaves out", () => {
    expect(lines.map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
      "npx holdfast policy iam",
      "npx holdfast policy iam",
      "npx holdfast policy iam",
      "npx holdfast doctor aws:eu-west-1:i-0123456789abcdef0",
      "npx holdfast plan aws:eu-west-1:i-0123456789abcdef0",
      "npx holdfast collect aws:eu-west-1:i-0123456789abcdef0",
      "npx holdfast verify --case",
      "npx holdfast custody EC2-1/002",
      "npx holdfast cleanup",
      "npx holdfast contain undo",
    ]);
  });

  test("policies, doctor and plan change nothing", async () => {
    for (const line of lines.slice(0, 3)) expect((await shell(line)).code, line).toBe(0);
    expect(await readmeLine("npx holdfast doctor")).toContain("A collection would work.");
    const plan = await readmeLine("npx holdfast plan");
    expect(plan).toContain("CHANGES ec2:CreateSnapshots");
    expect(plan).toContain("CHANGES ssm:SendCommand");
    expect([story.world.ec2.snapshots.length, story.world.ssm.commands.length, story.world.instance.disableApiTermination]).toEqual([0, 0, false]);
  });

  test("collects everything, sealed or held, and exits with 0", async () => {
    const said = await readmeLine("npx holdfast collect");
    const { json } = await holdfastJson<{ readonly exhibits: readonly ExhibitJson[] }>(["exhibits", "--case", "EC2-1"], { env });
    for (const exhibit of json.exhibits) exhibits.set(exhibit.id, exhibit);
    expect(
      json.exhibits.map(({ kind, outcome, stored }) => [kind, outcome, stored?.sealed]),
      said,
    ).toEqual([
      ["state", "collected", true],
      ["memory", "collected", true],
      ["disk", "collected", true],
      ["disk", "collected", true],
      ["disk", "collected", true],
      ["disk", "collected", true],
      ["flow-logs", "collected", true],
      ["access-logs", "collected", true],
      ["disk-image", "collected", true],
    ]);
  });

  test("memory is what was in the machine, byte for byte, and nothing of it stayed there", async () => {
    const bytes = readFileSync(await fetched("memory"));
    expect(bytes.equals(story.memory)).toBe(true);
    expect(await story.left()).toEqual([]);
  });

  test("the disk image is the planted volume", async () => {
    const bytes = createHash("sha256")
      .update(readFileSync(await fetched("disk-image")))
      .digest("hex");
    expect(bytes).toBe(volumeDigest(story.world.data.content, story.world.data.sizeGiB));
  });

  test("the logs are the objects that the services left within the window, byte for byte, and no others", async () => {
    const [flow, access] = [await members(await fetched("flow-logs")), await members(await fetched("access-logs"))];
    const until = Date.now() - 2 * hour;
    for (const [bucket, dir] of [
      ["flow-logs", flow],
      ["trail-bucket", access],
    ] as const) {
      let inside = 0;
      for (const { key, bytes } of story.world.objects().get(bucket) ?? []) {
        const at = deliveredAt(key);
        const path = join(dir, "s3", bucket, key);
        if (existsSync(path)) expect(readFileSync(path).equals(Buffer.from(bytes)), `${bucket}/${key}`).toBe(true);
        if (at > until - 22 * hour && at < until) {
          inside += 1;
          expect(existsSync(path), `${bucket}/${key} is within the window`).toBe(true);
        }
        // A file holds records of the hour before its name, and digests are written an hour later still.
        if (at < until - 26 * hour || at > until + 3 * hour) expect(existsSync(path), `${bucket}/${key} is far from the window`).toBe(false);
      }
      expect(inside).toBeGreaterThan(20);
    }
  });

  test("the instance is frozen and cut off, the evidence account has locked copies, and no share is left", () => {
    const { world } = story;
    expect([world.instance.disableApiTermination, world.instance.disableApiStop, world.group.instances[0]?.state]).toEqual([true, true, "Standby"]);
    const copies = world.ec2.snapshots.filter(({ account }) => account === "444455556666");
    expect(copies.map(({ lock }) => lock?.mode)).toEqual(["compliance", "compliance"]);
    expect(world.ec2.snapshots.flatMap(({ shared }) => [...shared])).toEqual([]);
  });

  test("verifies, and says of the snapshots that their provider holds them", async () => {
    const said = await readmeLine("npx holdfast verify");
    expect(said).toContain("4 of them held in place by the provider under its lock");
    const { json } = await holdfastJson<VerifyJson>(["verify", "--case", "EC2-1"], { env });
    expect(json.verdict).toBe("intact");
    expect(json.exhibits.filter(({ verdict }) => verdict === "held-by-provider")).toHaveLength(4);
  });

  test("the custody record of memory names every change to the host", async () => {
    const said = await readmeLine("npx holdfast custody");
    expect(said).toMatch(/memory dump started on the instance by SSM command [0-9a-f-]{36}/);
    expect(said).toContain("upload links for parts 1 to");
  });

  test("cleanup finds nothing left, and undo puts everything back", async () => {
    expect(await readmeLine("npx holdfast cleanup")).toContain("nothing was left behind");
    const { json } = await holdfastJson<{ readonly collections: readonly { readonly collection: string }[] }>(["status"], { env });
    const line = lines.at(-1)?.replace("20261124T021500Z-9f3a1c", json.collections[0]?.collection ?? "") ?? "";
    const undone = await shell(line);
    expect(undone.code, `${undone.stdout}\n${undone.stderr}`).toBe(0);
    const { world } = story;
    expect([world.instance.disableApiTermination, world.instance.disableApiStop, world.group.instances[0]?.state]).toEqual([false, false, "InService"]);
    expect(world.ec2.network.groups.filter(({ name }) => name.includes("holdfast"))).toEqual([]);
  });

  test("what the runbook leaves out works as well: logs that the case names, a user's keys", async () => {
    const { s3 } = story;
    if (s3 === null) throw new Error("the runbook stands on the S3 stand-in");
    s3.bucket("web-data").settings.set("logging", serverAccessLogsTo("access-logs", "web/"));
    const arns = [
      "arn:aws:s3:::web-data",
      worldNames.balancer,
      `arn:aws:logs:${worldNames.region}:${worldNames.account}:log-group:${worldNames.applicationGroup}`,
    ];
    const named = ["collect", target, "--case", "EC2-2", "--reason", "r", "--kind", "access-logs", "--since", "24h", "--until", "2h", "--log", ...arns];
    const ran = await holdfast(named, { env });
    expect(ran.code, ran.stderr).toBe(0);
    const cut = await holdfast(["contain", target, "--identity-user", "mallory", "--case", "EC2-2", "--reason", "r"], { env });
    expect(cut.code, cut.stderr).toBe(0);
    const keys = story.world.iam.accounts.get(worldNames.account)?.users.get("mallory")?.keys;
    expect(keys?.map(({ status }) => status)).toEqual(["Inactive"]);
  });

  test("isolation before memory keeps the way for memory open, and a lost answer to a command is looked for", async () => {
    story.fake.faults.add({ on: "ssm:SendCommand", does: { kind: "lost-answer" } });
    const ran = await holdfast(["collect", target, "--case", "EC2-3", "--reason", "r", "--kind", "memory", "--isolate", "now"], { env });
    expect(ran.code, ran.stderr).toBe(0);
    const { json } = await holdfastJson<{ readonly exhibits: readonly ExhibitJson[] }>(["exhibits", "--case", "EC2-3"], { env });
    expect(json.exhibits.map(({ kind, sha256 }) => [kind, sha256])).toEqual([["memory", createHash("sha256").update(story.memory).digest("hex")]]);
    expect(story.world.ssm.commands).toHaveLength(4);
  });

  test("the servers saw every call of the table, and no other: no right is asked for that nothing uses", () => expectCallsAsInTable(story));

  test("every call, and every answer of the stand-in, is as the vendor's model has it", async () => {
    expect(story.fake.unknown).toEqual([]);
    expect(await story.fake.differences()).toEqual([]);
    expect(story.s3?.violations).toEqual([]);
  });
});
