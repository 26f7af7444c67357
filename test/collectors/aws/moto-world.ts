import {
  AssociateIamInstanceProfileCommand,
  AttachNetworkInterfaceCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  AddRoleToInstanceProfileCommand,
  AttachRolePolicyCommand,
  CreateInstanceProfileCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { type MotoClients, region } from "./moto-rig.ts";

/** What was made on moto, by the ids that it gave. */
export type MotoMachine = {
  readonly instance: string;
  readonly vpc: string;
  readonly subnets: readonly string[];
  readonly interfaces: readonly string[];
  readonly groups: readonly string[];
  readonly volumes: readonly string[];
};

export const userData = "#!/bin/sh\necho planted\n";

/** A web server with so many of two interfaces in two subnets, each with a group of its own. */
export async function plantMachine({ ec2 }: MotoClients, interfaces = 2): Promise<MotoMachine> {
  const vpc = known((await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc?.VpcId);
  const subnets: string[] = [];
  const groups: string[] = [];
  for (const [i, name] of ["web", "database"].entries()) {
    const at = { VpcId: vpc, CidrBlock: `10.0.${i}.0/24`, AvailabilityZone: `${region}a` };
    subnets.push(known((await ec2.send(new CreateSubnetCommand(at))).Subnet?.SubnetId));
    groups.push(known((await ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: `${name} group`, VpcId: vpc }))).GroupId));
    const from = [{ IpProtocol: "tcp", FromPort: 443 + i, ToPort: 443 + i, IpRanges: [{ CidrIp: `198.51.${i}.0/24`, Description: "office" }] }];
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: groups[i], IpPermissions: from }));
  }
  const faces: string[] = [];
  for (const [i, SubnetId] of subnets.slice(0, interfaces).entries()) {
    const made = await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId, Groups: [groups[i] ?? ""] }));
    faces.push(known(made.NetworkInterface?.NetworkInterfaceId));
  }
  const run = await ec2.send(
    new RunInstancesCommand({
      ImageId: "ami-0123456789abcdef0",
      MinCount: 1,
      MaxCount: 1,
      InstanceType: "m5.large",
      // Of an instance that has groups of its own, moto shows these on every interface, whatever is changed there.
      NetworkInterfaces: [{ DeviceIndex: 0, NetworkInterfaceId: faces[0] }],
      InstanceInitiatedShutdownBehavior: "terminate",
      UserData: Buffer.from(userData).toString("base64"),
      BlockDeviceMappings: ["/dev/sda1", "/dev/sdf"].map((DeviceName) => ({ DeviceName, Ebs: { VolumeSize: 8, DeleteOnTermination: true } })),
      TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "web \u{1f512}" }] }],
    }),
  );
  const instance = known(run.Instances?.[0]?.InstanceId);
  for (const NetworkInterfaceId of faces.slice(1))
    await ec2.send(new AttachNetworkInterfaceCommand({ InstanceId: instance, NetworkInterfaceId, DeviceIndex: 1 }));
  const shown = (await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instance] }))).Reservations?.[0]?.Instances?.[0];
  return {
    instance,
    vpc,
    subnets,
    interfaces: faces,
    groups,
    volumes: (shown?.BlockDeviceMappings ?? []).map(({ Ebs }) => known(Ebs?.VolumeId)),
  };
}

/** A role with one policy of each kind, as the instance's. */
export async function plantRole({ ec2, iam }: MotoClients, instance: string): Promise<{ readonly role: string; readonly policy: string }> {
  const allow = (Action: string): string => JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });
  const trust = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
  const role = "web-role";
  await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }) }));
  await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: "inline", PolicyDocument: allow("sqs:SendMessage") }));
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: "attached", PolicyDocument: allow("s3:ListAllMyBuckets") }));
  const policy = known(Policy?.Arn);
  await iam.send(new AttachRolePolicyCommand({ RoleName: role, PolicyArn: policy }));
  const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: "web-profile" }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: "web-profile", RoleName: role }));
  await ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId: instance, IamInstanceProfile: { Arn: InstanceProfile?.Arn } }));
  return { role, policy };
}

export function known(value: string | undefined): string {
  if (value === undefined) throw new Error("moto gave no id");
  return value;
}
