import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { expectAsModelled } from "./as-modelled.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { makeKeyRing, userKey } from "./key-ring.ts";
import { type LocalMachine, startLocalMachine } from "./local-machine.ts";
import { answering } from "./machine.ts";
import { ssmService } from "./ssm.ts";
import { loseAgent, managedInstance, powerOff, ssmWorld, type SsmWorld } from "./ssm-world.ts";

const account = "111122223333";
const region = "eu-west-1";
const linux = "i-0123456789abcdef0";
const windows = "i-0123456789abcdef1";
const key = userKey(account, "collector");
let now: Date;
let machine: LocalMachine;
let world: SsmWorld;
let fake: AwsFake;
let ssm: SSMClient;

beforeEach(async () => {
  now = new Date("2026-11-24T12:00:00.000Z");
  machine = await startLocalMachine();
  world = ssmWorld(
    () => now,
    [
      managedInstance({ instanceId: linux, account, region, machine }),
      managedInstance({
        instanceId: windows,
        account,
        region,
        platform: "Windows",
        machine: answering(({ script }) => ({ code: 0, stdout: `ran ${script}` })),
      }),
    ],
  );
  fake = await openAwsFake({ keys: makeKeyRing([key]), services: [ssmService(world)], clock: () => now });
  ssm = new SSMClient({ endpoint: fake.url, region, credentials: key, maxAttempts: 1 });
});
afterEach(async () => {
  ssm.destroy();
  await machine.stop();
  await fake.close();
  expect(fake.unknown).toEqual([]);
  await expectAsModelled(fake);
});

type More = { readonly TimeoutSeconds?: number; readonly Comment?: string; readonly timeout?: string; readonly instance?: string };

async function send(commands: readonly string[], { timeout, instance = linux, ...more }: More = {}): Promise<string> {
  const Parameters = { commands: [...commands], ...(timeout === undefined ? {} : { executionTimeout: [timeout] }) };
  const DocumentName = instance === linux ? "AWS-RunShellScript" : "AWS-RunPowerShellScript";
  const answer = await ssm.send(new SendCommandCommand({ DocumentName, InstanceIds: [instance], Parameters, ...more }));
  return answer.Command?.CommandId ?? "";
}

const look = (CommandId: string, InstanceId = linux): Promise<GetCommandInvocationCommandOutput> =>
  ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));

async function until(id: string, wanted: (answer: GetCommandInvocationCommandOutput) => boolean, instance = linux): Promise<GetCommandInvocationCommandOutput> {
  for (;;) {
    await sleep(20);
    const answer = await look(id, instance).catch((error: unknown) => {
      if (error instanceof Error && error.name === "InvocationDoesNotExist") return null;
      throw error;
    });
    if (answer !== null && wanted(answer)) return answer;
  }
}
const ended = (answer: GetCommandInvocationCommandOutput): boolean =>
  answer.Status !== "Pending" && answer.Status !== "InProgress" && answer.Status !== "Cancelling";
const running = (answer: GetCommandInvocationCommandOutput): boolean => answer.Status === "InProgress";

describe("a script that is sent is run", () => {
  test("what it writes and prints is there; at first the invocation does not exist", async () => {
    const id = await send(["echo planted >/dev/shm/mark && cat /dev/shm/mark", "echo to the side >&2"], { Comment: "case C" });
    await expect(look(id)).rejects.toMatchObject({ name: "InvocationDoesNotExist" });
    const answer = await until(id, ended);
    expect(answer).toMatchObject({
      Status: "Success",
      StatusDetails: "Success",
      ResponseCode: 0,
      StandardOutputContent: "planted\n",
      StandardErrorContent: "to the side\n",
      Comment: "case C",
    });
    if (machine.isolated) expect(await machine.left()).toEqual(["/dev/shm/mark"]);
  });

  test("of 30,000 characters 24,000 are shown, of the errors 8,000, and 2,500 in a list", async () => {
    const id = await send(["head -c 30000 /dev/zero | tr '\\0' a", "head -c 9000 /dev/zero | tr '\\0' b >&2"]);
    const answer = await until(id, ended);
    expect([answer.StandardOutputContent?.length, answer.StandardErrorContent?.length]).toEqual([24_000, 8000]);
    const list = await ssm.send(new ListCommandInvocationsCommand({ CommandId: id, Details: true }));
    expect(list.CommandInvocations?.[0]?.CommandPlugins?.[0]?.Output?.length).toBe(2500);
  });

  test("exit 3 is Failed with code 3, and the agent says so in the errors", async () => {
    const answer = await until(await send(["echo begun", "exit 3", "echo never"]), ended);
    expect(answer).toMatchObject({ Status: "Failed", ResponseCode: 3, StandardOutputContent: "begun\n" });
    expect(answer.StandardErrorContent).toContain("exit status 3");
  });

  test("two commands run at once and meet in the same /dev/shm", async () => {
    const first = await send(["while [ ! -e /dev/shm/urls ]; do sleep 0.05; done; cat /dev/shm/urls; rm /dev/shm/urls"]);
    await until(first, running);
    await until(await send(["echo https://a >/dev/shm/.urls && mv /dev/shm/.urls /dev/shm/urls"]), ended);
    expect(await until(first, ended)).toMatchObject({ Status: "Success", StandardOutputContent: "https://a\n" });
  });

  test("an agent that comes back in time runs what waited for it", async () => {
    for (const instance of world.instances) instance.ping = "ConnectionLost";
    const id = await send(["echo at last"]);
    await until(id, ({ Status }) => Status === "Pending");
    for (const instance of world.instances) instance.ping = "Online";
    expect(await until(id, ended)).toMatchObject({ Status: "Success", StandardOutputContent: "at last\n" });
  });

  test("a small /dev/shm is full for real", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    await using other = await startLocalMachine({ shmBytes: 1 << 20 });
    const script = other.run({ document: "", script: "head -c 2097152 /dev/zero >/dev/shm/dump", directory: null, environment: {} });
    expect(await script.ended).toEqual({ kind: "exited", code: 1 });
    expect(script.stderr()).toContain("No space left on device");
  });

  test("what the machine shows in /proc and /sys can be planted, and a PATH without curl", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    const files = { "/proc/iomem": "00001000-0009ffff : System RAM\n", "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n" };
    await using other = await startLocalMachine({ files, path: "/nowhere" });
    const script = other.run({
      document: "",
      script: "read a </proc/iomem; read b </sys/kernel/security/lockdown; echo $a/$b; command -v curl || echo none",
      directory: null,
      environment: {},
    });
    expect(await script.ended).toEqual({ kind: "exited", code: 0 });
    expect(script.stdout()).toBe("00001000-0009ffff : System RAM/none [integrity] confidentiality\nnone\n");
  });
});

describe("how it can end", () => {
  test("cancelled in the middle: the process group is gone", async () => {
    const id = await send(["echo on >/dev/shm/on; sleep 600; echo off >/dev/shm/off"]);
    await until(id, running);
    await ssm.send(new CancelCommandCommand({ CommandId: id, InstanceIds: [linux] }));
    expect(await until(id, ended)).toMatchObject({ Status: "Cancelled", StatusDetails: "Cancelled" });
  });

  test("longer than executionTimeout: killed and timed out", async () => {
    const id = await send(["sleep 600"], { timeout: "60" });
    await until(id, running);
    now = new Date(now.getTime() + 61_000);
    expect(await until(id, ended)).toMatchObject({ Status: "TimedOut", StatusDetails: "ExecutionTimedOut", ResponseCode: -1 });
  });

  test("never picked up: pending until the delivery is given up", async () => {
    for (const instance of world.instances) instance.pickUp = "never";
    const id = await send(["true"], { TimeoutSeconds: 30 });
    await until(id, ({ Status }) => Status === "Pending");
    now = new Date(now.getTime() + 31_000);
    expect(await until(id, ended)).toMatchObject({ Status: "TimedOut", StatusDetails: "DeliveryTimedOut" });
  });

  test("power off in the middle: nothing more is heard, though it is shown as running", async () => {
    const id = await send(["echo begun; sleep 600"], { timeout: "100" });
    await until(id, running);
    await powerOff(world, linux);
    await sleep(100);
    expect(await look(id)).toMatchObject({ Status: "InProgress", StandardOutputContent: "" });
    const info = await ssm.send(new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: [linux] }] }));
    expect(info.InstanceInformationList?.map(({ PingStatus }) => PingStatus)).toEqual(["ConnectionLost"]);
    now = new Date(now.getTime() + 101_000);
    expect(await look(id)).toMatchObject({ Status: "TimedOut" });
  });

  test("an agent that is lost leaves its script running, unheard", async () => {
    const id = await send(["sleep 0.3; echo done >/dev/shm/done"]);
    await until(id, running);
    loseAgent(world, linux);
    await sleep(600);
    expect(await look(id)).toMatchObject({ Status: "InProgress" });
    if (machine.isolated) expect(await machine.left()).toEqual(["/dev/shm/done"]);
  });
});

describe("what is refused", () => {
  test.for([
    ["an instance that nobody manages", { InstanceIds: ["i-0fffffffffffffff0"] }, "InvalidInstanceId"],
    ["the same instance twice", { InstanceIds: [linux, linux] }, "DuplicateInstanceId"],
    ["a document that is not there", { DocumentName: "AWS-Run" }, "InvalidDocument"],
    ["a shell script for Windows", { InstanceIds: [windows] }, "UnsupportedPlatformType"],
    ["no commands", { Parameters: {} }, "InvalidParameters"],
    ["an unknown parameter", { Parameters: { commands: ["true"], shell: ["bash"] } }, "InvalidParameters"],
    ["a time-out over 48 hours", { Parameters: { commands: ["true"], executionTimeout: ["172801"] } }, "InvalidParameters"],
    ["more than 64 KB", { Parameters: { commands: ["#".repeat(65_536)] } }, "MaxDocumentSizeExceeded"],
  ] as const)("%s", async ([, given, name]) => {
    const {
      Parameters = { commands: ["true"] },
      InstanceIds = [linux],
      DocumentName = "AWS-RunShellScript",
    } = { Parameters: undefined, InstanceIds: undefined, DocumentName: undefined, ...given };
    const lists: Readonly<Record<string, readonly string[]>> = Parameters;
    const parameters = Object.fromEntries(Object.entries(lists).map(([key, values]) => [key, [...values]]));
    await expect(ssm.send(new SendCommandCommand({ DocumentName, InstanceIds: [...InstanceIds], Parameters: parameters }))).rejects.toMatchObject({ name });
    expect(world.commands).toEqual([]);
  });
});

test("lists: instances, commands by comment over pages, PowerShell as a test answers it", async () => {
  const info = await ssm.send(new DescribeInstanceInformationCommand({}));
  expect(info.InstanceInformationList?.map(({ InstanceId, PlatformType, PingStatus }) => [InstanceId, PlatformType, PingStatus])).toEqual([
    [linux, "Linux", "Online"],
    [windows, "Windows", "Online"],
  ]);
  const none = await ssm.send(new DescribeInstanceInformationCommand({ Filters: [{ Key: "InstanceIds", Values: ["i-0fffffffffffffff0"] }] }));
  expect(none.InstanceInformationList).toEqual([]);
  for (const Comment of ["one", "two", "three"]) await send(["true"], { Comment });
  const first = await ssm.send(new ListCommandsCommand({ MaxResults: 2 }));
  const second = await ssm.send(new ListCommandsCommand({ MaxResults: 2, NextToken: first.NextToken }));
  expect([...(first.Commands ?? []), ...(second.Commands ?? [])].map(({ Comment }) => Comment)).toEqual(["three", "two", "one"]);
  expect(second.NextToken).toBeUndefined();
  await expect(ssm.send(new ListCommandsCommand({ NextToken: "bogus" }))).rejects.toMatchObject({ name: "InvalidNextToken" });
  const id = await send(["Get-Process"], { instance: windows });
  expect(await until(id, ended, windows)).toMatchObject({ Status: "Success", StandardOutputContent: "ran Get-Process", PluginName: "aws:runPowerShellScript" });
});
