/**
 * The world that the AWS collector's tests and the README's story share: a machine in the victim's account with its disks, logs and
 * people, and an evidence account. Ids agree across services. Everything is plain state and may be changed before and while it runs.
 *
 *     const s3 = await startS3Fake({ credentials: { accessKeyId: "AKIA…", secretAccessKey: "…" } });
 *     const aws = await openAwsWorld({ s3: s3.clientConfig, clock: () => now });
 *     …                                             // aws.fake.url is the endpoint, aws.world.users.collector has the keys
 *     await aws.fake.close();
 */
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { autoScalingService } from "./autoscaling.ts";
import { type AwsFake, openAwsFake } from "./aws-fake.ts";
import { plantAccount, type WorldAccount } from "./aws-world-account.ts";
import { plantLogs, type WorldLogs } from "./aws-world-logs.ts";
import { plantMachine, type WorldMachine } from "./aws-world-machine.ts";
import { victimPlace, worldNames } from "./aws-world-names.ts";
import { cloudTrailService } from "./cloudtrail.ts";
import { ebsService } from "./ebs.ts";
import { type EbsWorld, ebsWorld, snapshotsOf } from "./ebs-world.ts";
import { ec2Service } from "./ec2.ts";
import { elbService } from "./elbv2.ts";
import { iamService } from "./iam.ts";
import { type KeyRing, makeKeyRing } from "./key-ring.ts";
import { kmsService } from "./kms.ts";
import { logsService } from "./logs.ts";
import { answering, type Machine } from "./machine.ts";
import { plant } from "./planted.ts";
import type { Service } from "./service.ts";
import { ssmService } from "./ssm.ts";
import { managedInstance, type SsmWorld, ssmWorld } from "./ssm-world.ts";
import { stsService } from "./sts.ts";

type S3Place = { readonly endpoint: string; readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } };

export type AwsWorldOptions = {
  readonly clock?: () => Date;
  /** What runs the commands that SSM sends; one that says nothing and does well, unless given. */
  readonly machine?: Machine;
  /** Whole hours of logs before now; 3 unless said. */
  readonly hours?: number;
  /** An attacker switched logging off in the last of those hours. */
  readonly tampered?: boolean;
  /** Of the S3 server: the collector then signs with these, and finds everything under one name. */
  readonly credentials?: S3Place["credentials"];
};

export type AwsWorld = WorldMachine &
  WorldAccount &
  WorldLogs & {
    readonly keyRing: KeyRing;
    readonly ebs: EbsWorld;
    readonly ssm: SsmWorld;
    readonly services: readonly Service[];
  };

export function makeAwsWorld(options: AwsWorldOptions = {}): AwsWorld {
  const clock = options.clock ?? (() => new Date());
  const machine = plantMachine();
  const account = plantAccount(options.credentials ?? null);
  const logs = plantLogs({ now: clock(), hours: options.hours ?? 3, tampered: options.tampered ?? false }, machine.network);
  const keyRing = makeKeyRing(Object.values(account.users));
  const ebs = ebsWorld(snapshotsOf(machine.ec2));
  const guest = options.machine ?? answering(() => ({ code: 0, stdout: "" }));
  const managed = managedInstance({ ...victimPlace, instanceId: worldNames.instance, machine: guest });
  managed.inventory.set("AWS:Application", { at: logs.until, rows: [{ Name: "nginx", Version: "1.28.0", Architecture: "x86_64", Publisher: "Amazon Linux" }] });
  const ssm = ssmWorld(clock, [managed]);
  const services = [
    ec2Service(machine.ec2),
    ebsService(ebs),
    kmsService(machine.ec2.kms),
    autoScalingService(account.scaling),
    elbService(account.elb),
    iamService(account.iam, keyRing),
    stsService(account.sts, keyRing),
    ssmService(ssm),
    logsService(logs.logs),
    cloudTrailService(logs.cloudtrail),
  ];
  return { ...machine, ...account, ...logs, keyRing, ebs, ssm, services };
}

/** The log buckets with what services left in them, through the real client. Buckets that are there already stay as they are. */
export async function plantBuckets(world: AwsWorld, { endpoint, credentials }: S3Place): Promise<void> {
  const s3 = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  try {
    for (const [bucket, objects] of world.objects()) {
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
      await plant(s3, bucket, objects);
    }
  } finally {
    s3.destroy();
  }
}

export type OpenOptions = Omit<AwsWorldOptions, "credentials"> & {
  /** A running S3 server that has none of the world's buckets yet; without it nothing answers for S3. */
  readonly s3?: S3Place;
  readonly clockSkewMs?: number;
  readonly keepBodies?: boolean;
};

export type OpenAwsWorld = { readonly world: AwsWorld; readonly fake: AwsFake };

/** Plants, then opens one port for all of it. */
export async function openAwsWorld({ s3, clockSkewMs, keepBodies, ...options }: OpenOptions = {}): Promise<OpenAwsWorld> {
  const world = makeAwsWorld(s3 === undefined ? options : { ...options, credentials: s3.credentials });
  if (s3 !== undefined) await plantBuckets(world, s3);
  const fake = await openAwsFake({
    keys: world.keyRing,
    services: world.services,
    ...(s3 === undefined ? {} : { s3Url: s3.endpoint }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(clockSkewMs === undefined ? {} : { clockSkewMs }),
    ...(keepBodies === undefined ? {} : { keepBodies }),
  });
  return { world, fake };
}
