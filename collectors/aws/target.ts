import type { AwsConfig } from "../../src/core/config-aws.ts";
import { HoldfastError } from "../../src/core/error.ts";
import { entryOf } from "../../src/core/shape.ts";

/** An EC2 instance. `account` is null where the target does not say it: then it is the one of the default chain. */
export type Instance = { readonly region: string; readonly account: string | null; readonly instance: string; readonly partition: string };

/** Partitions by the beginning of their Regions; all others are of `aws`. */
const partitions: readonly (readonly [RegExp, string])[] = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
  [/^eu-isoe-/, "aws-iso-e"],
  [/^us-isof-/, "aws-iso-f"],
  [/^eusc-/, "aws-eusc"],
];

/** `aws:REGION:i-…` or the instance's ARN. Throws `usage` where it is neither, `config` where the configuration does not allow its Region. */
export function parseInstance(id: string, config: AwsConfig): Instance {
  const found = fromArn(id) ?? fromShort(id);
  if (found === null) throw new HoldfastError("usage", `${JSON.stringify(id)} is not an EC2 instance; write aws:REGION:INSTANCE-ID or its ARN`);
  const allowed = found.account === null ? null : (entryOf(config.accounts, found.account)?.regions ?? null);
  if (allowed !== null && !allowed.includes(found.region))
    throw new HoldfastError("config", `${id}: aws.accounts."${found.account}".regions allows ${allowed.join(", ")}; add ${found.region} or correct the target`);
  return found;
}

function fromArn(id: string): Instance | null {
  const [, partition, region, account, instance] = /^arn:(aws[a-z-]*):ec2:([a-z0-9-]+):(\d{12}):instance\/(i-[0-9a-f]{8,17})$/.exec(id) ?? [];
  if (partition === undefined || region === undefined || account === undefined || instance === undefined) return null;
  if (partition !== partitionOf(region))
    throw new HoldfastError("usage", `${id}: ${region} is a Region of partition ${partitionOf(region)}, not of ${partition}; correct the ARN`);
  return { region, account, instance, partition };
}

function fromShort(id: string): Instance | null {
  const [, region, instance] = /^aws:([a-z0-9-]+):(i-[0-9a-f]{8,17})$/.exec(id) ?? [];
  return region === undefined || instance === undefined ? null : { region, account: null, instance, partition: partitionOf(region) };
}

function partitionOf(region: string): string {
  return partitions.find(([begin]) => begin.test(region))?.[1] ?? "aws";
}

/** The instance's ARN, once its account is known. */
export function instanceArn({ partition, region, instance }: Instance, account: string): string {
  return `arn:${partition}:ec2:${region}:${account}:instance/${instance}`;
}
