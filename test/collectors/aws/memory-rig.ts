import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { vi } from "vitest";
import { type AwsPorts, openAws } from "../../../collectors/aws/aws.ts";
import { awsCollector } from "../../../collectors/aws/aws-collector.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import { memoryRoom } from "../../../collectors/aws/memory/memory.ts";
import type { Collector } from "../../../src/core/collector.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { parseSha256 } from "../../../src/core/digest.ts";
import type { Wish } from "../../../src/core/plan.ts";
import type { PushSource } from "../../../src/core/source.ts";
import type { ProbeAnswer, Vault } from "../../../src/core/vault.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { newInstance } from "../../clouds/aws/ec2-made.ts";
import { type Ec2Instance, ec2World } from "../../clouds/aws/ec2-world.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { type LocalMachine, type LocalMachineOptions, startLocalMachine } from "../../clouds/aws/local-machine.ts";
import type { Machine } from "../../clouds/aws/machine.ts";
import { ssmService } from "../../clouds/aws/ssm.ts";
import { type ManagedInstance, managedInstance, type SsmWorld, ssmWorld } from "../../clouds/aws/ssm-world.ts";
import { stsService } from "../../clouds/aws/sts.ts";
import { startS3Fake, type S3Fake } from "../../clouds/s3-fake.ts";
import { s3VaultOf } from "../../suite/s3-bench.ts";
import { image } from "./guest-host.ts";
import { home, useKey } from "./link-rig.ts";
import { quickAccounts } from "./planted-snapshot.ts";
import { type Drive, openDrive } from "./step-drive.ts";

const region = "eu-west-1";
export const instanceId = "i-0123456789abcdef0";
export const partSize: number = 128 * 1024;
/** A program in the place of the memory tool: `$image` is a memory image in LiME's form, `$out` the pipe. */
export const whole = 'cat "$image" > "$out"';

/** An instance whose agent runs scripts here, with a /proc and /sys of its own, and a vault that it can reach. */
export type MemoryRig = {
  readonly fake: AwsFake;
  readonly ssm: SsmWorld;
  readonly agent: ManagedInstance;
  readonly instance: Ec2Instance;
  readonly machine: LocalMachine;
  readonly vault: Vault;
  readonly store: S3Fake;
  readonly signal: AbortSignal;
  pass(ms: number): void;
  /** Called at every wait of a collector. */
  onSleep: (ms: number) => void;
  /** A new process, with that program as the pinned tool. */
  collector(tool?: string, over?: Partial<AwsPorts>): Collector;
  drive(tool?: string, links?: { readonly count: number; readonly seconds: number }, over?: Partial<AwsPorts>): Promise<Drive>;
  doctor(over?: Partial<AwsPorts>): Promise<readonly ProbeAnswer[]>;
  /** The same tool pinned for Windows alone. */
  windows(): Partial<AwsPorts>;
  push(collector: Collector, drive: Drive): Promise<PushSource>;
  close(): Promise<void>;
};

const wish: Wish = {
  kinds: ["memory"],
  window: { since: "2026-11-23T12:00:00.000Z", until: "2026-11-24T12:00:00.000Z" },
  disks: [],
  pids: [],
  logs: [],
  compress: "auto",
  contain: null,
};

export async function openMemoryRig(options: LocalMachineOptions = {}, files: Readonly<Record<string, string>> = {}): Promise<MemoryRig> {
  const host = await plantHost(files);
  const machine = await startLocalMachine(options);
  const me = userKey(home, "investigator");
  const keys = makeKeyRing([me]);
  // The services and the store live in real time; a test may set the collector's clock ahead.
  const real = (): Date => new Date();
  let ahead = 0;
  const clock = (): Date => new Date(Date.now() + ahead);
  const ec2 = ec2World();
  const instance = newInstance({ account: home, region, id: instanceId, vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  ec2.instances.push(instance);
  const agent = managedInstance({ instanceId, account: home, region, machine: elsewhere(machine, host) });
  const ssm = ssmWorld(real, [agent]);
  const fake = await openAwsFake({ keys, services: [stsService({ assumable: new Map() }, keys), ec2Service(ec2), ssmService(ssm)], clock: real });
  useKey(me);
  const store = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  const vault = s3VaultOf({ endpoint: store.url, credentials: store.credentials, bucket: "evidence" });
  const closers: (() => Promise<void> | void)[] = [];
  const { signal } = new AbortController();
  const target = { kind: "aws", id: `aws:${region}:${instanceId}` } as const;

  const rig: MemoryRig = {
    fake,
    ssm,
    agent,
    instance,
    machine,
    vault,
    store,
    signal,
    onSleep: () => {},
    pass: (ms) => {
      ahead += ms;
    },
    collector(tool, over) {
      const one = awsCollector(portsOf(tool, over), target);
      closers.push(() => one.close());
      return one;
    },
    async drive(tool, links, over) {
      const aws = await openAws(portsOf(tool, over), target.id, { case: "none", collection: "planning" }, signal);
      closers.push(() => aws.link.close());
      const steps = await memoryRoom.plan(aws, await lookAtInstance(aws, signal), wish, signal);
      const input = { partSize, ...(links === undefined ? {} : { links }) };
      const plan = { schema: "holdfast.plan/1", target: aws.arn, provider: "aws", path: "", window: wish.window, without: [] } as const;
      const settings = { collection: "20261124T120000Z-9f3a1c", retainUntil: "2027-02-22T12:00:00Z", legalHold: false };
      return openDrive({ ...plan, steps: steps.map((step) => ({ ...step, input: { ...step.input, ...input } })) }, settings, signal);
    },
    async doctor(over) {
      const aws = await openAws(portsOf(whole, over), target.id, { case: "none", collection: "planning" }, signal);
      closers.push(() => aws.link.close());
      return (await memoryRoom.doctor?.(aws, await lookAtInstance(aws, signal), wish, signal)) ?? [];
    },
    windows: () => {
      const { config } = portsOf("winpmem");
      const { memory } = config;
      return memory === null ? {} : { config: { ...config, memory: { ...memory, windows: memory } } };
    },
    async push(collector, drive) {
      const found = await drive.open(collector, "memory");
      if (found.kind !== "push") throw new Error(`memory is ${found.kind}: ${JSON.stringify(found)}`);
      return found.source;
    },
    async close() {
      for (const close of closers) await close();
      vault.close();
      vi.unstubAllEnvs();
      await fake.close();
      await store.stop();
      await machine.stop();
      await rm(host, { recursive: true, force: true });
    },
  };

  function portsOf(tool = whole, over: Partial<AwsPorts> = {}): AwsPorts {
    const bytes = Buffer.from(`#!/bin/sh\nfor out; do :; done\nimage=${host}/image\n${tool}\n`);
    const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
    return {
      config: { ...noAws, endpoint: fake.url, memory: { tool: "tools/avml", sha256, windows: null } },
      clock,
      random: (count) => randomBytes(count),
      readTool: async () => bytes,
      ebs: quickAccounts(),
      // Waits are short: what is waited for is real.
      sleep: async (ms, stop) => {
        await wait(Math.min(ms, 100), undefined, { signal: stop });
        rig.onSleep(ms);
      },
      ...over,
    };
  }

  return rig;
}

async function plantHost(files: Readonly<Record<string, string>>): Promise<string> {
  const host = await mkdtemp(join(tmpdir(), "holdfast-memory-host-"));
  const shown = {
    "proc/kcore": "",
    "proc/iomem": "00001000-0009efff : System RAM\n000a0000-000fffff : Reserved\n00100000-00bfffff : System RAM\n",
    "proc/meminfo": "MemTotal:       12000 kB\n",
    "proc/sys/kernel/random/boot_id": "6f9d2c1b-8e7a-4f30-95d1-c0b2a3948576\n",
    "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
    ...files,
  };
  for (const [path, text] of Object.entries(shown)) {
    await mkdir(dirname(join(host, path)), { recursive: true });
    await writeFile(join(host, path), text);
  }
  await writeFile(join(host, "image"), image);
  return host;
}

/** The machine reads another /proc and /sys than this one's, which has no kernel memory to show, and leaves this one's /run alone. */
function elsewhere(machine: Machine, host: string): Machine {
  const moved = (script: string): string =>
    script
      .replaceAll("proc='/proc'", `proc='${host}/proc'`)
      .replaceAll("sys='/sys'", `sys='${host}/sys'`)
      .replaceAll("'/proc/kcore'", `'${host}/proc/kcore'`)
      .replaceAll("'/dev/shm' '/run'", "'/dev/shm'");
  return { run: (order) => machine.run({ ...order, script: moved(order.script) }), stop: () => machine.stop() };
}
