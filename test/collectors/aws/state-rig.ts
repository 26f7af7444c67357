import { vi } from "vitest";
import { awsCollector } from "../../../collectors/aws/aws-collector.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import type { Collector } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { StreamSource } from "../../../src/core/source.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { type AwsWorld, makeAwsWorld, plantBuckets } from "../../clouds/aws/aws-world.ts";
import { worldNames } from "../../clouds/aws/aws-world-names.ts";
import type { Operation } from "../../clouds/aws/service.ts";
import { type S3Exchange, type S3Fake, startS3Fake } from "../../clouds/s3-fake.ts";
import { streamOf } from "../host/gathering.ts";
import { useKey } from "./link-rig.ts";
import { quickAccounts } from "./planted-snapshot.ts";
import { everything, roomContext, stepIn } from "./room-rig.ts";

/** The common world with a collector on it, for the exhibit `state`. Time stands still but for waits. */
export type StateRig = {
  readonly world: AwsWorld;
  readonly fake: AwsFake;
  readonly s3: S3Fake;
  /** What S3 was asked and answered, beside `s3.requests`. */
  readonly objects: readonly S3Exchange[];
  readonly collector: Collector;
  readonly signal: AbortSignal;
  now(): Date;
  /** In place of an operation of the stand-in: `ec2:DescribeVolumes`. */
  readonly instead: Map<string, Operation>;
  step(): Promise<Step>;
  open(): Promise<StreamSource>;
  close(): Promise<void>;
};

export async function openStateRig(): Promise<StateRig> {
  let now = Date.parse("2026-11-24T12:00:00.000Z");
  const clock = (): Date => new Date(now);
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "a secret" };
  const objects: S3Exchange[] = [];
  const s3 = await startS3Fake({ credentials, clock, inspect: (exchange) => void objects.push(exchange) });
  const world = makeAwsWorld({ clock, credentials: s3.credentials });
  await plantBuckets(world, s3.clientConfig);
  const instead = new Map<string, Operation>();
  const services = world.services.map((service) => ({
    ...service,
    operations: Object.fromEntries(
      Object.entries(service.operations).map(([name, run]): [string, Operation] => [name, (call) => (instead.get(`${service.name}:${name}`) ?? run)(call)]),
    ),
  }));
  const fake = await openAwsFake({ keys: world.keyRing, services, s3Url: s3.clientConfig.endpoint, clock });
  useKey(world.users.collector);
  const target = { kind: "aws", id: `aws:${worldNames.region}:${worldNames.instance}` } as const;
  const collector = awsCollector(
    {
      config: { ...noAws, endpoint: fake.url },
      clock,
      random: (n) => new Uint8Array(n).fill(128),
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        now += ms;
      },
      readTool: () => Promise.reject(new Error("there is no tool here")),
      ebs: quickAccounts(),
    },
    target,
  );
  const { signal } = new AbortController();
  const step = async (): Promise<Step> => stepIn(await collector.plan(target, { ...everything, kinds: ["state"] }, signal), "state");
  return {
    world,
    fake,
    s3,
    objects,
    collector,
    signal,
    now: clock,
    instead,
    step,
    async open() {
      return streamOf(await collector.open(await step(), roomContext(), signal));
    },
    async close() {
      await collector.close();
      vi.unstubAllEnvs();
      await fake.close();
      await s3.stop();
    },
  };
}
