import { HoldfastError } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { Aws } from "./aws.ts";
import type { Output } from "./link.ts";

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
  const answer = await aws.link.ask("source", null, "ec2:DescribeInstances", { InstanceIds: [id] }, signal);
  if (answer.kind === "refused") {
    const missing = answer.trouble === "missing" || answer.trouble === "invalid";
    throw new HoldfastError(
      missing ? "unreachable" : "config",
      missing
        ? `${aws.arn}: there is no such instance (${answer.code}); terminated ones vanish after about an hour`
        : `${aws.arn}: it may not be looked at (${answer.code}: ${printable(answer.text)}); print what is needed with \`holdfast policy iam --cloud aws\``,
    );
  }
  const instance = answer.value.Reservations?.flatMap((reservation) => reservation.Instances ?? []).find((one) => one.InstanceId === id);
  if (instance === undefined) throw new HoldfastError("unreachable", `${aws.arn}: there is no such instance; terminated ones vanish after about an hour`);
  const volumes: Ec2Volume[] = [];
  for (let token: string | undefined; ; ) {
    const page = await aws.link.ask(
      "source",
      null,
      "ec2:DescribeVolumes",
      { Filters: [{ Name: "attachment.instance-id", Values: [id] }], MaxResults: 500, ...(token === undefined ? {} : { NextToken: token }) },
      signal,
    );
    if (page.kind === "refused") return { instance, volumes: null, refused: `${page.code}: ${printable(page.text)}` };
    volumes.push(...(page.value.Volumes ?? []));
    token = page.value.NextToken;
    if (token === undefined || token === "") return { instance, volumes, refused: null };
  }
}
