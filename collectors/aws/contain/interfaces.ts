import type { Aws } from "../aws.ts";
import { type Got, got, type No, no, refusedBy, shows, type Trail } from "./no.ts";
import type { Output } from "../client/link.ts";
import { allPages } from "../client/pages.ts";

/** A network interface as isolation sees it. */
export type Face = {
  readonly id: string;
  readonly vpc: string;
  readonly groups: readonly string[];
  /** Why its groups cannot be changed by us; null where they can. */
  readonly fixed: string | null;
  /** Interfaces of containers hang on a trunk and not on the instance: EC2 does not list them with it. */
  readonly trunk: boolean;
};

type Ec2Interface = NonNullable<Output<"ec2:DescribeNetworkInterfaces">["NetworkInterfaces"]>[number];

type Which = { readonly name: "attachment.instance-id" | "group-id" | "network-interface-id"; readonly values: readonly string[] };

/** All interfaces of the instance, the primary one first. */
export async function facesOf(aws: Aws, signal: AbortSignal): Promise<Got<readonly Face[]>> {
  return facesWith(aws, { name: "attachment.instance-id", values: [aws.instance.instance] }, signal);
}

export async function facesWith(aws: Aws, which: Which, signal: AbortSignal): Promise<Got<readonly Face[]>> {
  const found = await interfacesWith(aws, which, signal);
  if (found.kind === "no") return found;
  const place = ({ Attachment }: Ec2Interface): number => (Attachment?.NetworkCardIndex ?? 0) * 1000 + (Attachment?.DeviceIndex ?? 0);
  return got(found.value.toSorted((a, b) => place(a) - place(b)).map((one) => faceOf(aws, one)));
}

function faceOf(aws: Aws, one: Ec2Interface): Face {
  const owner = one.OwnerId ?? aws.account;
  const managed = one.RequesterManaged === true ? `it is managed by ${one.RequesterId ?? "an AWS service"}, and only that may change it` : null;
  return {
    id: one.NetworkInterfaceId ?? "",
    vpc: one.VpcId ?? "",
    groups: (one.Groups ?? []).map(({ GroupId }) => GroupId ?? ""),
    fixed: managed ?? (owner === aws.account ? null : `it belongs to account ${owner}`),
    trunk: one.InterfaceType === "trunk",
  };
}

export async function interfacesWith(aws: Aws, { name, values }: Which, signal: AbortSignal): Promise<Got<readonly Ec2Interface[]>> {
  const call = "ec2:DescribeNetworkInterfaces";
  const Filters = [{ Name: name, Values: [...values] }];
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters, MaxResults: 1000, ...from }, signal));
  return read.kind === "refused" ? refusedBy(read) : got(read.pages.flatMap(({ NetworkInterfaces = [] }) => NetworkInterfaces));
}

/** Puts an interface into exactly these groups and reads it back. Null: it shows so. Safe to repeat. */
export async function putInGroups(aws: Aws, id: string, groups: readonly string[], trail: Trail, signal: AbortSignal): Promise<No | null> {
  const call = "ec2:ModifyNetworkInterfaceAttribute";
  let last: No | null = null;
  const put = await shows(
    async () => {
      const answer = await aws.link.ask("source", null, call, { NetworkInterfaceId: id, Groups: [...groups] }, signal);
      if (answer.kind === "answer") trail.ids.push(answer.requestId);
      else last = refusedBy(answer);
      // A group that was just made may not be known everywhere yet.
      return answer.kind === "answer" || (answer.code === "InvalidGroup.NotFound" ? false : refusedBy(answer));
    },
    aws.sleep,
    signal,
  );
  if (put !== true) return put === false ? last : put;
  const seen = await shows(
    async () => {
      const faces = await facesWith(aws, { name: "network-interface-id", values: [id] }, signal);
      if (faces.kind === "no") return faces;
      return faces.value.some((face) => face.id === id && sameGroups(face.groups, groups));
    },
    aws.sleep,
    signal,
  );
  if (seen === true) return null;
  return seen === false ? no(`EC2 accepted the change of ${id} and does not show it`) : seen;
}

export function sameGroups(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
