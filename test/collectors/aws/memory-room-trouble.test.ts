import { afterEach, expect, test } from "vitest";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { powerOff } from "../../clouds/aws/ssm-world.ts";
import { image } from "./guest-host.ts";
import { instanceId, type MemoryRig, openMemoryRig } from "./memory-rig.ts";
import { takePushed } from "./take-pushed.ts";

const isolated = process.getuid?.() === 0;
if (!isolated) test.skip("NOT PROVEN: without root there is no machine whose agent could run the scripts", () => {});
const slow = { timeout: 60_000 };
/** Gives so much of the image, and then nothing more. */
const stuck = 'head -c 400000 "$image" > "$out.a"; { cat "$out.a"; sleep 300; } > "$out"';

let opened: MemoryRig | null = null;
async function open(...options: Parameters<typeof openMemoryRig>): Promise<MemoryRig> {
  opened = await openMemoryRig(...options);
  return opened;
}
afterEach(async () => {
  if (opened === null) return;
  await expectAsModelled(opened.fake);
  expect(opened.store.violations).toEqual([]);
  await opened.close();
  opened = null;
});

type Hindrance = { readonly name: string; readonly hinder: (rig: MemoryRig) => void; readonly words: string };
const hindrances: readonly Hindrance[] = [
  {
    name: "the agent is offline",
    hinder: ({ agent }) => {
      agent.ping = "ConnectionLost";
    },
    words: "its SSM agent is not online (ConnectionLost)",
  },
  { name: "no agent ever registered", hinder: ({ ssm }) => void ssm.instances.splice(0), words: "has no agent for this instance" },
  {
    name: "the instance is stopped",
    hinder: ({ instance }) => {
      instance.state = "stopped";
    },
    words: "the instance is stopped",
  },
  { name: "the instance is an arm64", hinder: ({ instance }) => void Object.assign(instance, { architecture: "arm64" }), words: "x86_64 only, this is arm64" },
  {
    name: "the agents may not be seen",
    hinder: ({ fake }) => fake.faults.add({ on: "ssm:DescribeInstanceInformation", times: 9, does: { kind: "deny" } }),
    words: "AccessDenied",
  },
];

test.for(hindrances)("$name: the plan says so, and so does the outcome; no command is sent", slow, async ({ hinder, words }) => {
  const rig = await open();
  hinder(rig);
  const drive = await rig.drive();
  expect(drive.step("memory").title).toMatch(/^whole memory \(will be (unavailable|denied): /);
  expect(drive.step("memory").title).toContain(words);
  expect(await drive.open(rig.collector(), "memory")).toMatchObject({ kind: "none", detail: expect.stringContaining(words) });
  expect(rig.ssm.commands).toEqual([]);
  expect(await rig.doctor()).toMatchObject([{ ok: false, fatal: true, text: expect.stringContaining(words) }]);
});

test("doctor tells a tool that is not the pinned one", async () => {
  const rig = await open();
  expect(await rig.doctor()).toMatchObject([{ ok: true }, { probe: "memory-tool", ok: true }]);
  expect(await rig.doctor({ readTool: async () => Buffer.from("another") })).toMatchObject([
    { ok: true },
    { ok: false, text: expect.stringContaining("pinned is") },
  ]);
  expect(rig.ssm.commands).toEqual([]);
});

test.runIf(isolated)("a locked-down kernel is a finding of the preflight; no directory stays", slow, async () => {
  const rig = await open({}, { "sys/kernel/security/lockdown": "none integrity [confidentiality]\n" });
  const drive = await rig.drive();
  const found = await drive.open(rig.collector(), "memory");
  expect(found).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringContaining("kernel lockdown (confidentiality) forbids it") });
  expect(await rig.machine.left()).toEqual([]);
  expect(await drive.cleanup(rig.collector(), "memory")).toEqual([]);
  expect(rig.ssm.commands).toHaveLength(1);
});

test.runIf(isolated)("without room in tmpfs nothing is written anywhere", slow, async () => {
  const rig = await open({ shmBytes: 1 << 20 });
  const found = await (await rig.drive()).open(rig.collector(), "memory");
  expect(found).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringContaining("no tmpfs has room") });
  expect(await rig.machine.left()).toEqual([]);
});

test.runIf(isolated)("an instance that stops in the middle leaves what arrived, truncated, with the reason", slow, async () => {
  const rig = await open();
  const drive = await rig.drive();
  const source = await rig.push(rig.collector(stuck), drive);
  const landed = takePushed(rig.vault, source, {
    through: (landing) => ({
      ...landing,
      async arrived(signal) {
        const parts = await landing.arrived(signal);
        if (parts.length === 3 && rig.instance.state === "running") {
          rig.instance.state = "stopped";
          await powerOff(rig.ssm, instanceId);
          rig.onSleep = () => rig.pass(20_000);
        }
        return parts;
      },
    }),
  });
  const { report, bytes } = await landed;
  expect(bytes.equals(image.subarray(0, 3 * 128 * 1024))).toBe(true);
  expect(report.outcome).toBe("truncated");
  expect(report.detail).toContain("the instance was stopped while its memory was taken");
  expect(report.coverage?.gaps.map(({ what }) => what)).toContain("memory 100000-bfffff");
});

test.runIf(isolated)("SSM throttles and loses answers: each command is sent once all the same", slow, async () => {
  const rig = await open();
  for (const on of ["ssm:SendCommand", "ssm:GetCommandInvocation"]) rig.fake.faults.add({ on, times: 3, does: { kind: "throttle" } });
  rig.fake.faults.add({ on: "ssm:SendCommand", from: 4, times: 2, does: { kind: "lost-answer" } });
  const drive = await rig.drive();
  const { report, bytes } = await takePushed(rig.vault, await rig.push(rig.collector(), drive));
  expect(report.outcome).toBe("collected");
  expect(bytes.equals(image)).toBe(true);
  expect(rig.ssm.commands.map(({ comment }) => comment.split(" ").at(-1))).toEqual(["preflight", "dump"]);
});

test.runIf(isolated)("an agent that fails before the first line of the script is an outcome", slow, async () => {
  const rig = await open();
  rig.agent.pickUp = "fail";
  const found = await (await rig.drive()).open(rig.collector(), "memory");
  expect(found).toMatchObject({ kind: "none", outcome: "failed", detail: expect.stringContaining("failed to create the working directory") });
});

test.runIf(isolated)("a command that may not be sent is denied", slow, async () => {
  const rig = await open();
  rig.fake.faults.add({ on: "ssm:SendCommand", does: { kind: "deny" } });
  expect(await (await rig.drive()).open(rig.collector(), "memory")).toMatchObject({
    kind: "none",
    outcome: "denied",
    detail: expect.stringContaining("AccessDenied"),
  });
});

test.runIf(isolated)("an agent that never picks the command up makes memory unavailable", slow, async () => {
  const rig = await open();
  rig.agent.pickUp = "never";
  // As if it had been sent longer ago than a command waits for its agent.
  rig.onSleep = () => {
    for (const command of rig.ssm.commands) Object.assign(command, { requested: new Date(Date.now() - 400_000) });
  };
  const found = await (await rig.drive()).open(rig.collector(), "memory");
  expect(found).toMatchObject({ kind: "none", outcome: "unavailable", detail: expect.stringContaining("the agent did not pick the command up in time") });
});

test.runIf(isolated).for([
  ["shows none", "00000000-00000000 : System RAM\n", "shows it to nobody, root included"],
  [
    "shows too much of one",
    Array.from({ length: 97 }, (_, i) => `${(i * 8192).toString(16)}-${(i * 8192 + 4095).toString(16)} : System RAM\n`).join(""),
    "its 97 ranges are too many",
  ],
] as const)("a host that %s as the map of its memory could end it anywhere: its image is not whole", slow, async ([, iomem, words]) => {
  const rig = await open({}, { "proc/iomem": iomem });
  const { report } = await takePushed(rig.vault, await rig.push(rig.collector(), await rig.drive()));
  expect(report).toMatchObject({ outcome: "truncated", detail: expect.stringContaining(words) });
  expect(report.coverage?.gaps).toEqual([
    expect.objectContaining({ what: "memory", reason: expect.stringContaining("nothing says whether the image is whole") }),
  ]);
});
