import { HoldfastError } from "../../src/core/error.ts";
import type { Aws } from "./aws.ts";
import type { Output } from "./client/link.ts";
import { allPages, ledRound } from "./client/pages.ts";
import { type Refused, wordsOf } from "./client/refused.ts";

export type Ec2Instance = NonNullable<NonNullable<Output<"ec2:DescribeInstances">["Reservations"]>[number]["Instances"]>[number];
export type Ec2Volume = NonNullable<Output<"ec2:DescribeVolumes">["Volumes"]>[number];

/** What a plan is made of: the instance and its volumes as they are now. Rooms ask for whatever else they need. */
export type Look = {
  readonly instance: Ec2Instance;
  /** Attached EBS volumes; null where ec2:DescribeVolumes was refused. */
  readonly volumes: readonly Ec2Volume[] | null;
  /** Why there are no volumes; null where there are. */
  readonly refused: string | null;
};

/** Rejects with `unreachable` where the instance is not there, `config` where it may not be seen. */
export async function lookAtInstance(aws: Aws, signal: AbortSignal): Promise<Look> {
  const id = aws.instance.instance;
  // Side by side: the plan waits for both.
  const [instance, read] = await Promise.all([
    findInstance(aws, id, signal),
    allPages("ec2:DescribeVolumes", (from) =>
      aws.link.ask("source", null, "ec2:DescribeVolumes", { Filters: [{ Name: "attachment.instance-id", Values: [id] }], MaxResults: 500, ...from }, signal),
    ),
  ]);
  if (read.kind === "refused") return { instance, volumes: null, refused: wordsOf(read) };
  return { instance, volumes: read.pages.flatMap(({ Volumes = [] }) => Volumes), refused: null };
}

async function findInstance(aws: Aws, id: string, signal: AbortSignal): Promise<Ec2Instance> {
  const read = await allPages("ec2:DescribeInstances", (from) => aws.link.ask("source", null, "ec2:DescribeInstances", { InstanceIds: [id], ...from }, signal));
  if (read.kind === "refused") throw refusedLook(aws, read);
  const instances = read.pages.flatMap(({ Reservations = [] }) => Reservations).flatMap(({ Instances = [] }) => Instances);
  const found = instances.find(({ InstanceId }) => InstanceId === id);
  if (found === undefined) throw new HoldfastError("unreachable", `${aws.arn}: there is no such instance; terminated ones vanish after about an hour`);
  return found;
}

function refusedLook(aws: Aws, refused: Refused): HoldfastError {
  if (refused.code === ledRound) return new HoldfastError("unreachable", `${aws.arn}: it cannot be found (${wordsOf(refused)})`);
  const missing = refused.trouble === "missing" || refused.trouble === "invalid";
  return new HoldfastError(
    missing ? "unreachable" : "config",
    missing
      ? `${aws.arn}: there is no such instance (${refused.code}); terminated ones vanish after about an hour`
      : `${aws.arn}: it may not be looked at (${wordsOf(refused)}); print what is needed with \`holdfast policy iam --cloud aws\``,
  );
}
