import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, vi } from "vitest";
import { awsCollector } from "../../../collectors/aws/aws-collector.ts";
import type { Collector } from "../../../src/core/collector.ts";
import { type AwsConfig, noAws } from "../../../src/core/config-aws.ts";
import type { Wish } from "../../../src/core/plan.ts";
import { autoScalingService } from "../../clouds/aws/autoscaling.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { cloudTrailService } from "../../clouds/aws/cloudtrail.ts";
import { cloudTrailWorld, type CloudTrailWorld } from "../../clouds/aws/cloudtrail-world.ts";
import { newInstance } from "../../clouds/aws/ec2-made.ts";
import { ec2Service } from "../../clouds/aws/ec2.ts";
import { type Ec2Instance, ec2World } from "../../clouds/aws/ec2-world.ts";
import { elbService } from "../../clouds/aws/elbv2.ts";
import { makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { logsService } from "../../clouds/aws/logs.ts";
import { type LogsWorld, logsWorld } from "../../clouds/aws/logs-world.ts";
import { answering } from "../../clouds/aws/machine.ts";
import { type MotoRoute, openMotoRoute } from "../../clouds/aws/moto-route.ts";
import { ssmService } from "../../clouds/aws/ssm.ts";
import { managedInstance, ssmWorld } from "../../clouds/aws/ssm-world.ts";
import { useKey } from "./link-rig.ts";
import { quickAccounts } from "./planted-snapshot.ts";
import { everything } from "./room-rig.ts";

/** Moto's only account, whoever signs. */
export const motoAccount = "123456789012";
export const region = "eu-west-1";

/** A collector with moto behind it, and our stand-in for what moto lacks. The clock is real; waits are not waited. */
export type MotoRig = {
  readonly route: MotoRoute;
  readonly fake: AwsFake;
  readonly clients: MotoClients;
  readonly signal: AbortSignal;
  /** The stand-in's half of the world. */
  readonly trails: CloudTrailWorld;
  readonly logs: LogsWorld;
  /** What stand-ins show of an instance that moto made: its screen, its agent. */
  standIn(machine: { readonly instance: string; readonly vpc: string; readonly subnets: readonly string[] }): Ec2Instance;
  collector(instance: string, config?: Partial<AwsConfig>): Collector;
  wish(hours: readonly [number, number], more?: Partial<Wish>): Wish;
  close(): Promise<void>;
};

export type MotoClients = {
  readonly ec2: EC2Client;
  readonly iam: IAMClient;
  readonly logs: CloudWatchLogsClient;
  readonly trail: CloudTrailClient;
  readonly s3: S3Client;
};

export async function openMotoRig(moto: string): Promise<MotoRig> {
  const reset = await fetch(`${moto}/moto-api/reset`, { method: "POST" });
  if (!reset.ok) throw new Error(`moto was not reset: ${reset.status}`);
  const me = userKey(motoAccount, "investigator");
  const keys = makeKeyRing([me]);
  const clock = (): Date => new Date();
  const [ec2, trails, logs, ssm] = [ec2World(), cloudTrailWorld(), logsWorld(), ssmWorld(clock)];
  trails.lookupsPerSecond = 100_000;
  const services = [
    ec2Service(ec2),
    ssmService(ssm),
    cloudTrailService(trails),
    logsService(logs),
    autoScalingService({ groups: [] }),
    elbService({ balancers: [] }),
  ];
  const fake = await openAwsFake({ keys, services, clock });
  const route = await openMotoRoute(moto, fake.url);
  useKey(me);
  const { signal } = new AbortController();
  const direct = { endpoint: moto, region, credentials: me, maxAttempts: 1 };
  const clients = {
    ec2: new EC2Client(direct),
    iam: new IAMClient(direct),
    logs: new CloudWatchLogsClient(direct),
    trail: new CloudTrailClient(direct),
    s3: new S3Client({ ...direct, forcePathStyle: true }),
  };
  const collectors: Collector[] = [];
  return {
    route,
    fake,
    clients,
    signal,
    trails,
    logs,
    standIn({ instance: id, vpc, subnets }) {
      const instance = newInstance({ id, account: motoAccount, region, vpc, subnet: subnets[0] ?? "", screenshot: Buffer.from("ffd8ffd9", "hex") });
      ec2.instances.push(instance);
      ssm.instances.push(managedInstance({ instanceId: id, account: motoAccount, region, machine: answering(() => ({ code: 0, stdout: "" })) }));
      return instance;
    },
    collector(instance, config = {}) {
      const ports = {
        config: { ...noAws, endpoint: route.url, ...config },
        clock,
        random: (n: number) => new Uint8Array(n).fill(128),
        sleep: async (_ms: number, stop: AbortSignal) => stop.throwIfAborted(),
        readTool: () => Promise.reject(new Error("there is no tool here")),
        ebs: quickAccounts(),
      };
      const made = awsCollector(ports, { kind: "aws", id: `aws:${region}:${instance}` });
      collectors.push(made);
      return made;
    },
    wish(hours, more = {}) {
      const [since, until] = hours.map((one) => new Date(Date.now() + one * 3_600_000).toISOString());
      return { ...everything, window: { since: since ?? "", until: until ?? "" }, ...more };
    },
    async close() {
      for (const one of collectors) await one.close();
      for (const client of Object.values(clients)) client.destroy();
      vi.unstubAllEnvs();
      await route.close();
      await fake.close();
      expect(fake.unknown).toEqual([]);
      expect(await fake.differences()).toEqual([]);
    },
  };
}
