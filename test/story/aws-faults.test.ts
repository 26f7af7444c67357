import { afterAll, describe, expect, test } from "vitest";
import { loseAgent, powerOff } from "../clouds/aws/ssm-world.ts";
import { worldNames } from "../clouds/aws/aws-world-names.ts";
import { type AwsStory, openAwsStory, type StoryOptions, target } from "./aws-story.ts";
import { holdfast } from "./holdfast.ts";

/**
 * Each misfortune with what a person sees: the exit code, and the line of what became of it. The table is printed, so that a
 * reader of the run has it.
 */
type Misfortune = {
  readonly name: string;
  readonly kinds: string;
  readonly more?: readonly string[];
  readonly options?: StoryOptions;
  readonly befalls: (story: AwsStory) => void;
  readonly exit: number;
  /** Of standard error. */
  readonly line: RegExp;
};

const always = Number.POSITIVE_INFINITY;
const noEvidence = (config: string): string => config.replace(/^ {2}evidenceAccount.*\n/m, "");

const misfortunes: readonly Misfortune[] = [
  {
    name: "every API is throttled now and then",
    kinds: "state,disk",
    options: { config: noEvidence },
    befalls: ({ fake }) => {
      for (let from = 1; from < 400; from += 9) fake.faults.add({ on: "*", from, times: 2, does: { kind: "throttle" } });
    },
    exit: 0,
    line: /C\/003 {2}collected/,
  },
  {
    name: "short and empty pages, each with a token",
    kinds: "state,disk",
    options: { config: noEvidence },
    befalls: ({ world }) => {
      world.ec2.emptyPages = 2;
      world.ec2.pageSize = 1;
    },
    exit: 0,
    line: /C\/001 {2}collected/,
  },
  {
    name: "answers of what changes something are lost",
    kinds: "disk",
    befalls: ({ fake }) => {
      for (const on of ["ec2:CreateSnapshots", "ec2:LockSnapshot", "ec2:CopySnapshot", "ec2:ModifySnapshotAttribute", "ec2:ModifyInstanceAttribute"])
        fake.faults.add({ on, does: { kind: "lost-answer" } });
    },
    exit: 0,
    line: /C\/004 {2}collected/,
  },
  {
    name: "tokens of lists and blocks that expired",
    kinds: "disk-image",
    more: ["--disk", "/dev/sdf"],
    options: { config: noEvidence },
    befalls: ({ fake }) => {
      fake.faults.add({
        on: "ebs:GetSnapshotBlock",
        from: 2,
        does: { kind: "refuse", code: "ValidationException", message: "The block token is invalid: INVALID_BLOCK_TOKEN" },
      });
    },
    exit: 0,
    line: /4 of 2048 blocks of 512 KiB were written/,
  },
  {
    name: "a snapshot goes to error",
    kinds: "disk",
    options: { config: noEvidence },
    befalls: ({ world }) => void world.ec2.fails.add(worldNames.dataVolume),
    exit: 4,
    line: /C\/002 {2}failed .*error/,
  },
  {
    name: "a lock is accepted and is not there",
    kinds: "disk",
    options: { config: noEvidence },
    befalls: ({ world }) => void world.ec2.lies.add("lock-accepted-not-there"),
    exit: 4,
    line: /C\/001 {2}collected .*not/,
  },
  {
    name: "a lock has a cooling-off period that nobody asked for",
    kinds: "disk",
    options: { config: noEvidence },
    befalls: ({ world }) => void world.ec2.lies.add("lock-cooloff"),
    exit: 4,
    line: /C\/001 {2}collected .*cool/i,
  },
  {
    name: "the evidence account's role is refused",
    kinds: "disk",
    befalls: ({ fake }) => fake.faults.add({ on: "sts:AssumeRole", times: always, does: { kind: "deny" } }),
    exit: 4,
    line: /C\/003 {2}denied .*AssumeRole|C\/003 {2}denied .*assumed/,
  },
  {
    name: "a share cannot be withdrawn at first",
    kinds: "disk",
    befalls: ({ world }) => {
      world.ec2.shareSticks = 2;
    },
    exit: 0,
    line: /C\/004 {2}collected/,
  },
  {
    name: "the source's administrator removes the share meanwhile, each time",
    kinds: "disk",
    befalls: ({ world }) => {
      const timer = setInterval(() => {
        for (const { shared } of world.ec2.snapshots) shared.clear();
      }, 1);
      timer.unref();
      cleared.push(timer);
    },
    exit: 4,
    line: /C\/00[34] {2}(failed|unavailable|denied|truncated)/,
  },
  {
    name: "credentials are no longer taken in the middle",
    kinds: "state,disk",
    befalls: ({ fake }) =>
      fake.faults.add({
        on: "ec2:*",
        from: 20,
        times: always,
        does: { kind: "refuse", code: "ExpiredToken", message: "The security token included in the request is expired" },
      }),
    exit: 130,
    line: /holdfast resume /,
  },
  {
    name: "the right to create snapshots is missing",
    kinds: "disk",
    options: { config: noEvidence },
    befalls: ({ world }) => void world.ec2.denied.add(`${worldNames.account}:CreateSnapshots`),
    exit: 4,
    line: /snapshots {2}denied/,
  },
  {
    name: "logging was switched off and a bucket's policy changed in the window",
    kinds: "access-logs",
    options: { tampered: true },
    befalls: () => undefined,
    exit: 4,
    line: /logging-tampered/,
  },
  {
    name: "the agent is offline",
    kinds: "memory",
    befalls: ({ world }) => loseAgent(world.ssm, worldNames.instance),
    exit: 4,
    line: /C\/001 {2}unavailable .*agent/,
  },
  {
    name: "kernel lockdown",
    kinds: "memory",
    options: { files: { "/sys/kernel/security/lockdown": "none integrity [confidentiality]\n" } },
    befalls: () => undefined,
    exit: 4,
    line: /C\/001 {2}unavailable .*lockdown/,
  },
  {
    name: "an arm64 instance",
    kinds: "memory",
    befalls: ({ world }) => {
      Object.assign(world.instance, { architecture: "arm64" });
    },
    exit: 4,
    line: /C\/001 {2}unavailable .*arm64/,
  },
  {
    name: "no room in tmpfs",
    kinds: "memory",
    options: { shmBytes: 1024 * 1024, files: {} },
    befalls: () => undefined,
    exit: 4,
    line: /C\/001 {2}unavailable .*(tmpfs|room|space)/,
  },
  {
    name: "the tool was exchanged after it was pinned",
    kinds: "memory",
    options: { config: (config) => config.replace(/sha256: [0-9a-f]{8}/, "sha256: 00000000") },
    befalls: () => undefined,
    exit: 4,
    line: /C\/001 {2}(unavailable|failed) .*(SHA-256|sha256|pinned)/,
  },
  {
    name: "the instance is stopped in the middle of the dump",
    kinds: "memory",
    options: { tool: slowTool() },
    befalls: ({ world, machine }) => {
      const timer = setInterval(() => {
        if (world.ssm.commands.length < 2) return;
        clearInterval(timer);
        setTimeout(() => {
          world.instance.state = "stopped";
          void powerOff(world.ssm, worldNames.instance).then(() => machine.stop());
        }, 1500);
      }, 20);
      timer.unref();
    },
    exit: 4,
    line: /C\/001 {2}(truncated|failed) /,
  },
];

/** Writes one record's head, and then nothing more for a long time. */
function slowTool(): string {
  return `#!/bin/sh
exec 3>"$5"
printf 'EMiL\\001\\000\\000\\000\\000\\020\\000\\000\\000\\000\\000\\000\\377\\377\\377\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000' >&3
exec sleep 300
`;
}

const cleared: NodeJS.Timeout[] = [];
const table: string[] = [];
afterAll(() => {
  for (const timer of cleared) clearInterval(timer);
  console.log(["AWS misfortunes: exit, and what is said", ...table].join("\n"));
});

// Most of each is waiting: five stand side by side.
describe.skipIf(process.getuid?.() !== 0).concurrent("each misfortune has its outcome line and its exit code (needs root)", () => {
  for (const { name, kinds, more, options, befalls, exit, line } of misfortunes)
    test(name, { timeout: 120_000 }, async () => {
      const story = await openAwsStory(options);
      try {
        befalls(story);
        const args = ["collect", target, "--case", "C", "--reason", "r", "--kind", kinds, "--since", "24h", "--until", "30m", ...(more ?? [])];
        const ran = await holdfast(args, { env: story.env });
        const said = ran.stderr.split("\n").find((one) => line.test(one));
        table.push(`${String(ran.code).padStart(4)}  ${name}: ${said?.slice(0, 200) ?? "-"}`);
        expect([ran.code, said !== undefined], `${line}\n${ran.stderr}`).toEqual([exit, true]);
        expect(story.fake.unknown).toEqual([]);
      } finally {
        await story.close();
      }
    });
});
