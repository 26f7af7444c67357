/** An account with an instance, its networks and its logs, for the rooms that collect logs. Time stands still but for what is waited. */
import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, vi } from "vitest";
import { type Aws, openAws } from "../../../collectors/aws/aws.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import type { Room } from "../../../collectors/aws/room.ts";
import type { Json } from "../../../src/core/act.ts";
import type { StepContext } from "../../../src/core/collector.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Step, Wish } from "../../../src/core/plan.ts";
import type { SourceReport } from "../../../src/core/source.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { cloudTrailService } from "../../clouds/aws/cloudtrail.ts";
import { type CloudTrailWorld, cloudTrailWorld } from "../../clouds/aws/cloudtrail-world.ts";
import { newInstance } from "../../clouds/aws/ec2-made.ts";
import { type PlantedNetwork, plantNetwork } from "../../clouds/aws/ec2-network-planted.ts";
import { type Ec2World, ec2World } from "../../clouds/aws/ec2-world.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import { elbService, type ElbWorld } from "../../clouds/aws/elbv2.ts";
import { iamService } from "../../clouds/aws/iam.ts";
import { iamAccount, type IamWorld, iamWorld } from "../../clouds/aws/iam-world.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { logsService } from "../../clouds/aws/logs.ts";
import { type LogsWorld, logsWorld } from "../../clouds/aws/logs-world.ts";
import type { Call, Operation, Service } from "../../clouds/aws/service.ts";
import { stsService } from "../../clouds/aws/sts.ts";
import { type S3Fake, startS3Fake } from "../../clouds/s3-fake.ts";
import { useKey } from "./link-rig.ts";

export const account = "111122223333";
export const region = "eu-west-1";
export const instance = "i-0123456789abcdef0";
export const noon: Date = new Date("2026-11-24T12:00:00.000Z");
export const hour = 3_600_000;

export type LogRig = {
  readonly fake: AwsFake;
  readonly s3: S3Fake;
  readonly client: S3Client;
  readonly aws: Aws;
  readonly ec2: Ec2World;
  readonly network: PlantedNetwork;
  readonly logs: LogsWorld;
  readonly trails: CloudTrailWorld;
  readonly iam: IamWorld;
  readonly elb: ElbWorld;
  readonly waits: number[];
  readonly context: StepContext;
  /** From now on a call is answered by that; it is given what the stand-in would answer. */
  answer(name: string, by: (call: Call, honest: Operation) => ReturnType<Operation>): void;
  pass(ms: number): void;
  plan(room: Room, wish?: Partial<Wish>): Promise<readonly Step[]>;
  take(room: Room, step: Step, memory?: Json): Promise<Taken>;
  close(): Promise<void>;
};

export type Taken = {
  readonly report: SourceReport;
  readonly remembered: Json;
  /** By the name that tar unpacks them under. */
  readonly members: ReadonlyMap<string, Buffer>;
  readonly lines: readonly { readonly [name: string]: unknown }[];
};

/** A real S3 in place of the fake one, with its only key. */
type OutsideS3 = { readonly url: string; readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } };

export async function openLogRig(
  buckets: readonly { readonly name: string; readonly versioning?: boolean }[],
  outside: OutsideS3 | null = null,
  /** How far AWS's clock is ahead of ours. */
  clockSkewMs = 0,
): Promise<LogRig> {
  let now = noon.getTime();
  const clock = (): Date => new Date(now);
  const me = { ...userKey(account, "investigator"), ...outside?.credentials };
  const keys = makeKeyRing([me]);
  const ec2 = ec2World();
  const [logs, trails, iam, elb] = [logsWorld(), cloudTrailWorld(), iamWorld(), { balancers: [] } satisfies ElbWorld];
  const people = iamAccount();
  people.roles.set("web", { name: "web", created: noon, trust: {}, attached: [], inline: new Map() });
  people.profiles.set("web", { role: "web", created: noon });
  iam.accounts.set(account, people);
  trails.lookupsPerSecond = 100_000; // by real time, which no test has; the pace is tested by itself
  const network = plantNetwork(ec2.network, { account, region }, instance);
  ec2.instances.push(newInstance({ id: instance, account, region, vpc: network.vpc, subnet: network.subnets[0] }));
  const s3 = await startS3Fake({ buckets, credentials: me, clock });
  const others = new Map<string, (call: Call, honest: Operation) => ReturnType<Operation>>();
  const replaceable = (service: Service): Service => ({
    ...service,
    operations: Object.fromEntries(
      Object.entries(service.operations).map(([name, honest]) => {
        const replaced: Operation = (call) => others.get(`${service.name}:${name}`)?.(call, honest) ?? honest(call);
        return [name, replaced];
      }),
    ),
  });
  const services = [
    stsService({ assumable: new Map() }, keys),
    ec2Service(ec2),
    logsService(logs),
    cloudTrailService(trails),
    iamService(iam, keys),
    elbService(elb),
  ].map(replaceable);
  const fake = await openAwsFake({ keys, services, s3Url: outside?.url ?? s3.url, clock, clockSkewMs });
  useKey(me);
  const waits: number[] = [];
  const ports = {
    config: { ...noAws, endpoint: fake.url },
    clock,
    random: () => new Uint8Array([255, 255]),
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
    readTool: () => Promise.reject(new HoldfastError("config", "no tools here")),
    ebs: (): never => {
      throw new TypeError("no blocks are read here");
    },
  };
  const signal = AbortSignal.timeout(60_000);
  const aws = await openAws(ports, `aws:${region}:${instance}`, { case: "C-7", collection: "20261124T120000Z-9f3a1c" }, signal);
  const client = new S3Client({ ...s3.clientConfig, endpoint: outside?.url ?? s3.url });
  return {
    fake,
    s3,
    client,
    aws,
    ec2,
    network,
    logs,
    trails,
    iam,
    elb,
    waits,
    context: contextOf(null, () => undefined),
    answer: (name, by) => void others.set(name, by),
    pass: (ms) => {
      now += ms;
    },
    plan: async (room, wish = {}) => room.plan(aws, await lookAtInstance(aws, signal), { ...wishOf(-2, 0), ...wish }, signal),
    take: (room, step, memory = null) => take(aws, room, step, memory, signal),
    async close() {
      aws.link.close();
      client.destroy();
      vi.unstubAllEnvs();
      await fake.close();
      await s3.stop();
      expect(fake.unknown).toEqual([]);
      expect(s3.violations).toEqual([]);
      await expectAsModelled(fake);
    },
  };
}

/** Everything, in a window of so many hours from noon. */
function wishOf(from: number, until: number): Wish {
  return { kinds: null, window: windowFrom(from, until), disks: [], pids: [], logs: [], compress: "auto", contain: null };
}

export function windowFrom(from: number, until: number): Wish["window"] {
  return { since: new Date(noon.getTime() + from * hour).toISOString(), until: new Date(noon.getTime() + until * hour).toISOString() };
}

async function take(aws: Aws, room: Room, step: Step, memory: Json, signal: AbortSignal): Promise<Taken> {
  let remembered: Json = null;
  const at = contextOf(memory, (value) => {
    remembered = JSON.parse(JSON.stringify(value));
  });
  const opened = await room.open?.(aws, step, at, signal);
  if (opened?.kind !== "source" || opened.source.kind !== "stream") throw new TypeError(`${step.id} gave no stream: ${JSON.stringify(opened)}`);
  const folder = await mkdtemp(join(tmpdir(), "holdfast-logs-"));
  try {
    const file = join(folder, "logs.tar");
    await pipeline(Readable.from(opened.source.bytes(signal)), createWriteStream(file));
    const members = new Map<string, Buffer>();
    const names = execFileSync("tar", ["-tf", file, "--quoting-style=literal"], { encoding: "utf8", maxBuffer: 64 << 20 }).split("\n");
    execFileSync("tar", ["-xf", file, "-C", folder]);
    for (const name of names) if (name !== "") members.set(name, await readFile(join(folder, name)));
    const lines = (members.get("manifest.jsonl") ?? Buffer.of()).toString("utf8").trimEnd().split("\n");
    return { report: opened.source.report(), remembered, members, lines: lines.map((line) => JSON.parse(line)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function contextOf(memory: Json, remember: (value: Json) => void): StepContext {
  return {
    case: "C-7",
    collection: "20261124T120000Z-9f3a1c",
    exhibit: "E001",
    retainUntil: "2027-11-24T12:00:00Z",
    legalHold: false,
    earlier: () => memory,
    remembered: () => null,
    remember,
    record: () => Promise.resolve(),
  };
}
