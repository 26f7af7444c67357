import type { Aws } from "../aws.ts";
import type { CallName } from "../calls/calls.ts";
import { storeText } from "../disk/instance-store.ts";
import type { Input } from "../client/link.ts";
import type { Ec2Instance } from "../look.ts";
import { byNextToken, type Derived, type StateCall, stateCall } from "./call.ts";
import { profileCallNames, profileCalls } from "./profile.ts";
import { postureCalls } from "./posture.ts";

/** What stateCalls may ask, for the plan. */
export const stateCallNames: readonly CallName[] = [
  "ec2:GetConsoleOutput",
  "ec2:GetConsoleScreenshot",
  "ec2:DescribeInstanceStatus",
  "ec2:DescribeInstanceAttribute",
  "ec2:DescribeInstances",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSecurityGroupRules",
  "ec2:DescribeSubnets",
  "ec2:DescribeRouteTables",
  "ec2:DescribeNetworkAcls",
  "ec2:DescribeImages",
  "ec2:DescribeVolumes",
  "ec2:DescribeTags",
  ...profileCallNames,
  "autoscaling:DescribeAutoScalingInstances",
  "autoscaling:DescribeAutoScalingGroups",
  "ec2:GetLaunchTemplateData",
  "ssm:GetInventory",
];

const attributes = [
  "userData",
  "disableApiTermination",
  "disableApiStop",
  "instanceInitiatedShutdownBehavior",
  "blockDeviceMapping",
] as const satisfies readonly Input<"ec2:DescribeInstanceAttribute">["Attribute"][];

/** One type a call: GetInventory takes no more. */
const inventories = ["AWS:InstanceInformation", "AWS:Application", "AWS:Service", "AWS:Network", "AWS:WindowsUpdate", "AWS:WindowsRole"] as const;

/**
 * Everything that AWS can tell of an instance without touching it (facts/aws §5), the most fleeting first: what the console shows is
 * gone at the next reboot, all of it at termination. At the end, how its surroundings log. `note` is told what a reader must know
 * whatever the outcome.
 */
export function* stateCalls(aws: Aws, note: (text: string) => void): Generator<StateCall> {
  const around = new Set<string>();
  yield* instanceCalls(aws.instance.instance, note, around);
  yield* postureCalls([...around]); // known by now: each call is asked, with what follows from it, before the next is taken
}

function instanceCalls(id: string, note: (text: string) => void, around: Set<string>): readonly StateCall[] {
  return [
    latestConsole(id),
    stateCall({
      name: "ec2:GetConsoleScreenshot",
      input: { InstanceId: id },
      none: {
        codes: ["IncorrectInstanceState", "UnsupportedOperation", "UnsupportedInstanceConfiguration"],
        means: "the instance shows no screen: it does not run, or its type has none",
      },
      derived: ({ ImageData: image }) => decoded("screenshot.jpg", image),
    }),
    stateCall({ name: "ec2:DescribeInstanceStatus", input: { InstanceIds: [id], IncludeAllInstances: true }, next: byNextToken }),
    ...attributes.map((attribute) =>
      stateCall({
        name: "ec2:DescribeInstanceAttribute",
        input: { InstanceId: id, Attribute: attribute },
        derived: ({ UserData: data }) => decoded("user-data", data?.Value),
      }),
    ),
    stateCall({
      name: "ec2:DescribeInstances",
      input: { InstanceIds: [id] },
      next: byNextToken,
      follow: ({ Reservations = [] }) =>
        Reservations.flatMap(({ Instances = [] }) => Instances)
          .filter(({ InstanceId }) => InstanceId === id)
          .flatMap((instance) => surroundings(instance, note, around)),
    }),
    stateCall({
      name: "ec2:DescribeVolumes",
      input: { Filters: [{ Name: "attachment.instance-id", Values: [id] }], MaxResults: 500 },
      next: byNextToken,
      follow: ({ Volumes = [] }) => tagCalls(Volumes.flatMap(({ VolumeId }) => VolumeId ?? [])),
    }),
    ...tagCalls([id]),
    stateCall({
      name: "ec2:DescribeIamInstanceProfileAssociations",
      input: { Filters: [{ Name: "instance-id", Values: [id] }], MaxResults: 1000 },
      next: byNextToken,
      follow: ({ IamInstanceProfileAssociations: all = [] }) => {
        if (all.length === 0) note("it has no instance profile, and so no role of its own");
        return all.flatMap(({ IamInstanceProfile: profile }) => (profile?.Arn === undefined ? [] : profileCalls(profile.Arn)));
      },
    }),
    stateCall({
      name: "autoscaling:DescribeAutoScalingInstances",
      input: { InstanceIds: [id] },
      follow: ({ AutoScalingInstances: all = [] }) =>
        all.flatMap(({ AutoScalingGroupName: group }) =>
          group === undefined ? [] : stateCall({ name: "autoscaling:DescribeAutoScalingGroups", input: { AutoScalingGroupNames: [group] } }),
        ),
    }),
    stateCall({ name: "ec2:GetLaunchTemplateData", input: { InstanceId: id } }),
    ...inventories.map((type) =>
      stateCall({
        name: "ssm:GetInventory",
        input: { Filters: [{ Key: "AWS:InstanceInformation.InstanceId", Values: [id], Type: "Equal" }], ResultAttributes: [{ TypeName: type }] },
        next: byNextToken,
      }),
    ),
  ];
}

function latestConsole(id: string): StateCall {
  return stateCall({
    name: "ec2:GetConsoleOutput",
    input: { InstanceId: id, Latest: true },
    none: {
      codes: ["UnsupportedOperation"],
      means: "this type does not give its latest output; what EC2 posted last was asked for instead",
      instead: [stateCall({ name: "ec2:GetConsoleOutput", input: { InstanceId: id }, derived: ({ Output }) => decoded("console-output.txt", Output) })],
    },
    derived: ({ Output }) => decoded("console-output.txt", Output),
  });
}

/** What lies around it, and what it was made from. */
function surroundings(instance: Ec2Instance, note: (text: string) => void, around: Set<string>): readonly StateCall[] {
  const interfaces = instance.NetworkInterfaces ?? [];
  const enis = unique(interfaces.map(({ NetworkInterfaceId }) => NetworkInterfaceId));
  const groups = unique([...interfaces.flatMap(({ Groups = [] }) => Groups), ...(instance.SecurityGroups ?? [])].map(({ GroupId }) => GroupId));
  const subnets = unique([...interfaces.map(({ SubnetId }) => SubnetId), instance.SubnetId]);
  const vpcs = unique([...interfaces.map(({ VpcId }) => VpcId), instance.VpcId]);
  for (const one of [...enis, ...subnets, ...vpcs]) around.add(one);
  if (instance.State?.Name !== "running") note(`the instance is ${instance.State?.Name ?? "in no state that EC2 names"}`);
  if (enis.length === 0) note("it has no network interfaces any more: their groups, subnets and flow-log settings were not looked for");
  return [
    ...storeCalls(instance.InstanceType, note),
    ...filtered(enis, (Values) =>
      stateCall({
        name: "ec2:DescribeNetworkInterfaces",
        input: { Filters: [{ Name: "network-interface-id", Values }], MaxResults: 1000 },
        next: byNextToken,
        follow: ({ NetworkInterfaces = [] }) => tagCalls(NetworkInterfaces.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? [])),
      }),
    ),
    ...filtered(groups, (Values) =>
      stateCall({ name: "ec2:DescribeSecurityGroups", input: { Filters: [{ Name: "group-id", Values }], MaxResults: 1000 }, next: byNextToken }),
    ),
    ...filtered(groups, (Values) =>
      stateCall({ name: "ec2:DescribeSecurityGroupRules", input: { Filters: [{ Name: "group-id", Values }], MaxResults: 1000 }, next: byNextToken }),
    ),
    ...filtered(subnets, (Values) =>
      stateCall({ name: "ec2:DescribeSubnets", input: { Filters: [{ Name: "subnet-id", Values }], MaxResults: 1000 }, next: byNextToken }),
    ),
    // By VPC: a subnet that names no table of its own follows the VPC's main one.
    ...filtered(vpcs, (Values) =>
      stateCall({ name: "ec2:DescribeRouteTables", input: { Filters: [{ Name: "vpc-id", Values }], MaxResults: 100 }, next: byNextToken }),
    ),
    ...filtered(subnets, (Values) =>
      stateCall({ name: "ec2:DescribeNetworkAcls", input: { Filters: [{ Name: "association.subnet-id", Values }], MaxResults: 1000 }, next: byNextToken }),
    ),
    ...(instance.ImageId === undefined
      ? []
      : [
          stateCall({
            name: "ec2:DescribeImages",
            input: { ImageIds: [instance.ImageId] },
            none: {
              codes: ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"],
              means: "the image it came from is gone, or no longer shared with this account",
            },
          }),
        ]),
  ];
}

/** Disks of the host itself stand in no answer about the instance. */
function storeCalls(type: Ec2Instance["InstanceType"], note: (text: string) => void): readonly StateCall[] {
  if (type === undefined) return [];
  return [
    stateCall({
      name: "ec2:DescribeInstanceTypes",
      input: { InstanceTypes: [type] },
      follow: (types) => {
        const store = storeText(type, types);
        if (store !== null) note(store);
        return [];
      },
    }),
  ];
}

function tagCalls(resources: readonly string[]): readonly StateCall[] {
  return filtered(resources, (Values) =>
    stateCall({ name: "ec2:DescribeTags", input: { Filters: [{ Name: "resource-id", Values }], MaxResults: 1000 }, next: byNextToken }),
  );
}

/** EC2 takes at most 200 values a filter; a filter without any would ask for everything there is. */
function filtered(values: readonly string[], call: (values: string[]) => StateCall): readonly StateCall[] {
  const calls: StateCall[] = [];
  for (let at = 0; at < values.length; at += 200) calls.push(call(values.slice(at, at + 200)));
  return calls;
}

function unique(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}

function decoded(member: string, base64: string | undefined): readonly Derived[] {
  return base64 === undefined || base64 === "" ? [] : [{ member, bytes: Buffer.from(base64, "base64") }];
}
