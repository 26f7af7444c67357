import { HoldfastError } from "../../src/core/error.ts";
import { printable } from "../../src/core/printable.ts";
import type { Aws } from "./aws.ts";
import type { Answer, Output } from "./link.ts";

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
  const instance = await findInstance(aws, id, signal);
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
    const next = nextOf(aws, page.value, token);
    if (next === undefined) return { instance, volumes, refused: null };
    token = next;
  }
}

/** A page may be empty and still have a token. */
async function findInstance(aws: Aws, id: string, signal: AbortSignal): Promise<Ec2Instance> {
  for (let token: string | undefined; ; ) {
    const input = { InstanceIds: [id], ...(token === undefined ? {} : { NextToken: token }) };
    const answer = await aws.link.ask("source", null, "ec2:DescribeInstances", input, signal);
    if (answer.kind === "refused") throw refusedLook(aws, answer);
    const found = answer.value.Reservations?.flatMap((reservation) => reservation.Instances ?? []).find((one) => one.InstanceId === id);
    if (found !== undefined) return found;
    token = nextOf(aws, answer.value, token);
    if (token === undefined) throw new HoldfastError("unreachable", `${aws.arn}: there is no such instance; terminated ones vanish after about an hour`);
  }
}

function refusedLook(aws: Aws, answer: Extract<Answer<unknown>, { kind: "refused" }>): HoldfastError {
  const missing = answer.trouble === "missing" || answer.trouble === "invalid";
  return new HoldfastError(
    missing ? "unreachable" : "config",
    missing
      ? `${aws.arn}: there is no such instance (${answer.code}); terminated ones vanish after about an hour`
      : `${aws.arn}: it may not be looked at (${answer.code}: ${printable(answer.text)}); print what is needed with \`holdfast policy iam --cloud aws\``,
  );
}

/** Undefined at the end. A token that comes again would lead round for ever. */
function nextOf(aws: Aws, { NextToken: next }: { readonly NextToken?: string | undefined }, token: string | undefined): string | undefined {
  if (next === undefined || next === "") return undefined;
  if (next === token) throw new HoldfastError("unexpected", `${aws.arn}: EC2 gave the same page token twice; what lies behind it cannot be seen`);
  return next;
}
