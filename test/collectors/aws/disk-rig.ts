import { vi } from "vitest";
import { type Aws, type AwsPorts, openAws } from "../../../collectors/aws/aws.ts";
import { awsCollector } from "../../../collectors/aws/aws-collector.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import { rooms } from "../../../collectors/aws/rooms.ts";
import type { AwsConfig } from "../../../src/core/config-aws.ts";
import type { Collector } from "../../../src/core/collector.ts";
import type { Plan, Step, Wish } from "../../../src/core/plan.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { attachVolume, newInstance, newVolume } from "../../clouds/aws/ec2-made.ts";
import { type Ec2Instance, type Ec2World, ec2World } from "../../clouds/aws/ec2-world.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import { type EbsWorld, ebsWorld, snapshotsOf } from "../../clouds/aws/ebs-world.ts";
import { ebsService } from "../../clouds/aws/ebs.ts";
import { kmsService } from "../../clouds/aws/kms.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { type AssumableRole, stsService } from "../../clouds/aws/sts.ts";
import { home, role, useKey } from "./link-rig.ts";
import { everything } from "./room-rig.ts";
import { stillPorts, stillTime } from "./still-ports.ts";
import { type Drive, openDrive } from "./step-drive.ts";

export const region = "eu-west-1";
export const rootVolume = "vol-0aaaaaaaaaaaaaaaa";
export const dataVolume = "vol-0bbbbbbbbbbbbbbbb";
const instanceId = "i-0123456789abcdef0";
const collection = "20261124T120000Z-9f3a1c";

/** An instance with two volumes on the stand-in, and collectors on it. Time stands still but for `pass` and the collectors' waits. */
export type DiskRig = {
  readonly fake: AwsFake;
  readonly ec2: Ec2World;
  readonly ebs: EbsWorld;
  readonly instance: Ec2Instance;
  readonly assumable: Map<string, AssumableRole>;
  readonly waits: number[];
  readonly signal: AbortSignal;
  now(): Date;
  pass(ms: number): void;
  /** Called at every wait of a collector, before time passes. */
  onSleep: (ms: number) => void;
  /** A new process: its own links, nothing remembered but what `drive` keeps. */
  collector(config?: Partial<AwsConfig>): Collector;
  /** What these rooms plan, whatever the others would ask. */
  plan(rooms: readonly string[], wish?: Partial<Wish>, config?: Partial<AwsConfig>): Promise<Plan>;
  doctor(rooms: readonly string[], wish?: Partial<Wish>, config?: Partial<AwsConfig>): Promise<readonly ProbeAnswer[]>;
  /** Steps driven one by one, with the memory that the runner would keep. */
  drive(plan: Plan, over?: Partial<Pick<Drive, "retainUntil" | "legalHold">>): Drive;
  calls(operation: string): number;
  close(): Promise<void>;
};

export async function openDiskRig(): Promise<DiskRig> {
  const me = userKey(home, "investigator");
  const keys = makeKeyRing([me]);
  const assumable = new Map([[role.arn, role]]);
  const time = stillTime((ms) => rig.onSleep(ms));
  const { clock, waits } = time;
  const ec2 = ec2World();
  const instance = plantInstance(ec2);
  const ebs = ebsWorld(snapshotsOf(ec2));
  const services = [stsService({ assumable }, keys), ec2Service(ec2), ebsService(ebs), kmsService(ec2.kms)];
  const fake = await openAwsFake({ keys, services, clock });
  useKey(me);
  const opened: Collector[] = [];
  const signal = new AbortController().signal;
  const target = { kind: "aws", id: `aws:${region}:${instanceId}` } as const;
  const ports = (config: Partial<AwsConfig>): AwsPorts => stillPorts(time, { endpoint: fake.url, ...config });
  async function looking<T>(config: Partial<AwsConfig>, work: (aws: Aws) => Promise<T>): Promise<T> {
    const aws = await openAws(ports(config), target.id, { case: "none", collection: "planning" }, signal);
    try {
      return await work(aws);
    } finally {
      aws.link.close();
    }
  }
  const rig: DiskRig = {
    fake,
    ec2,
    ebs,
    instance,
    assumable,
    waits,
    signal,
    now: clock,
    onSleep: () => {},
    pass: time.pass,
    collector(config = {}) {
      const one = awsCollector(ports(config), target);
      opened.push(one);
      return one;
    },
    plan: (names, asked = {}, config = {}) =>
      looking(config, async (aws) => {
        const look = await lookAtInstance(aws, signal);
        const steps: Step[] = [];
        for (const name of names) steps.push(...((await (await rooms[name]?.())?.plan(aws, look, { ...everything, ...asked }, signal)) ?? []));
        return { schema: "holdfast.plan/1", target: aws.arn, provider: "aws", path: "", window: everything.window, steps, without: [] };
      }),
    doctor: (names, asked = {}, config = {}) =>
      looking(config, async (aws) => {
        const look = await lookAtInstance(aws, signal);
        const answers: ProbeAnswer[] = [];
        for (const name of names) answers.push(...((await (await rooms[name]?.())?.doctor?.(aws, look, { ...everything, ...asked }, signal)) ?? []));
        return answers;
      }),
    drive: (plan, over = {}) => openDrive(plan, { collection, retainUntil: "2027-02-22T12:00:00Z", legalHold: false, ...over }, signal),
    calls: (operation) => fake.exchanges.filter((exchange) => exchange.operation === operation).length,
    async close() {
      for (const one of opened) await one.close();
      vi.unstubAllEnvs();
      await fake.close();
    },
  };
  return rig;
}

function plantInstance(ec2: Ec2World): Ec2Instance {
  const place = { account: home, region };
  const instance = newInstance({ ...place, id: instanceId, vpc: "vpc-0123456789abcdef0", subnet: "subnet-0123456789abcdef0" });
  for (const [device, id] of [
    ["/dev/xvda", rootVolume],
    ["/dev/sdf", dataVolume],
  ] as const) {
    const volume = newVolume({ ...place, id });
    ec2.volumes.push(volume);
    attachVolume(instance, volume, device, true);
  }
  ec2.instances.push(instance);
  return instance;
}
