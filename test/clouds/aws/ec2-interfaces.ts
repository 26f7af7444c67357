/** Network interfaces, and the change of their groups that isolation is. */
import { described } from "./ec2-described.ts";
import { shownTags } from "./ec2-listing.ts";
import { noteGroups } from "./ec2-flows.ts";
import { groupOf } from "./ec2-groups.ts";
import { type Ec2Network, here, type Interface } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { flagOf, numberOf, partOf, requiredText, textOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

/** Unless the account has asked for more. */
const mostGroups = 5;

export function interfaceOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeNetworkInterfaces: (call) => describeInterfaces(world, call),
    ModifyNetworkInterfaceAttribute: (call) => modifyInterface(world.network, call),
  };
}

function noInterface(id: string): AwsRefusal {
  return new AwsRefusal("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${id}' does not exist`);
}

function describeInterfaces(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.interfaces, call),
    set: "networkInterfaceSet",
    show: (one) => shownInterface(world.network, one),
    ids: { parameter: "NetworkInterfaceId", of: ({ id }) => id, missing: noInterface },
    fields: (one) => ({
      "network-interface-id": [one.id],
      "subnet-id": [one.subnet],
      "vpc-id": [one.vpc],
      "owner-id": [one.account],
      "group-id": one.groups,
      description: [one.description],
      "mac-address": [one.mac],
      status: [one.attachment === null ? "available" : "in-use"],
      "interface-type": [one.managed?.type ?? "interface"],
      "requester-managed": [String(one.managed !== null)],
      "private-ip-address": one.privateAddresses.slice(0, 1),
      "addresses.private-ip-address": one.privateAddresses,
      "ipv6-addresses.ipv6-address": one.ipv6Addresses,
      "association.public-ip": one.publicAddress === null ? [] : [one.publicAddress],
      "attachment.instance-id": one.attachment === null ? [] : [one.attachment.instance],
      "attachment.attachment-id": one.attachment === null ? [] : [one.attachment.id],
      "attachment.device-index": one.attachment === null ? [] : [String(one.attachment.deviceIndex)],
      "attachment.status": one.attachment === null ? [] : ["attached"],
    }),
    tags: ({ tags }) => tags,
    most: 1000,
  });
}

function shownInterface(network: Ec2Network, one: Interface): XmlObject {
  const association =
    one.publicAddress === null
      ? null
      : { publicIp: one.publicAddress, publicDnsName: `ec2-${dashed(one.publicAddress)}.${one.region}.compute.amazonaws.com`, ipOwnerId: "amazon" };
  const { attachment, tracking } = one;
  return {
    networkInterfaceId: one.id,
    subnetId: one.subnet,
    vpcId: one.vpc,
    availabilityZone: network.subnets.find(({ id }) => id === one.subnet)?.zone,
    description: one.description,
    ownerId: one.account,
    requesterId: one.managed?.requester,
    requesterManaged: one.managed !== null,
    status: attachment === null ? "available" : "in-use",
    macAddress: one.mac,
    privateIpAddress: one.privateAddresses[0],
    privateDnsName: privateName(one, one.privateAddresses[0] ?? ""),
    sourceDestCheck: one.sourceDestCheck,
    groupSet: groupSet(network, one.groups),
    attachment:
      attachment === null
        ? null
        : {
            attachmentId: attachment.id,
            instanceId: attachment.instance,
            instanceOwnerId: one.account,
            deviceIndex: attachment.deviceIndex,
            networkCardIndex: 0,
            status: "attached",
            attachTime: attachment.at,
            deleteOnTermination: attachment.deleteOnTermination,
          },
    association,
    connectionTrackingConfiguration:
      tracking === null ? null : { tcpEstablishedTimeout: tracking.tcpEstablished, udpStreamTimeout: tracking.udpStream, udpTimeout: tracking.udp },
    tagSet: shownTags(one.tags),
    privateIpAddressesSet: {
      item: one.privateAddresses.map((address, i) => ({
        privateIpAddress: address,
        privateDnsName: privateName(one, address),
        primary: i === 0,
        association: i === 0 ? association : null,
      })),
    },
    ipv6AddressesSet: { item: one.ipv6Addresses.map((ipv6Address) => ({ ipv6Address, isPrimaryIpv6: false })) },
    interfaceType: one.managed?.type ?? "interface",
    ipv6Address: one.ipv6Addresses[0],
  };
}

/** Groups with the names that they have now. */
export function groupSet(network: Ec2Network, groups: readonly string[]): XmlObject {
  return { item: groups.map((groupId) => ({ groupId, groupName: network.groups.find(({ id }) => id === groupId)?.name })) };
}

function privateName({ region }: Interface, address: string): string {
  return `ip-${dashed(address)}.${region === "us-east-1" ? "ec2" : `${region}.compute`}.internal`;
}

function dashed(address: string): string {
  return address.replaceAll(".", "-");
}

/** One attribute a call. */
function modifyInterface(network: Ec2Network, call: Call): () => Reply {
  const id = requiredText(call.params, "NetworkInterfaceId");
  const one = here(network.interfaces, call).find((face) => face.id === id);
  if (one === undefined) throw noInterface(id);
  const names = Object.keys(call.params).filter((name) => !["NetworkInterfaceId", "DryRun"].includes(name));
  const [name, ...more] = names;
  if (name === undefined) throw new AwsRefusal("MissingParameter", "The request must contain an attribute to modify");
  if (more.length > 0) throw new AwsRefusal("InvalidParameterCombination", `Fields for multiple attribute types specified: ${names.join(", ")}`);
  if (one.managed !== null) throw new AwsRefusal("AuthFailure", "You do not have permission to access the specified resource.", 403);
  const change = changeOf(network, call, one, name);
  return () => {
    change();
    return { xml: { return: true } };
  };
}

function changeOf(network: Ec2Network, call: Call, one: Interface, name: string): () => void {
  switch (name) {
    case "SecurityGroupId": {
      const groups = [...new Set(textsOf(call.params, name))];
      for (const group of groups)
        if (groupOf(network, call, group).vpc !== one.vpc)
          throw new AwsRefusal("InvalidGroup.NotFound", `The security group '${group}' does not exist in VPC '${one.vpc}'`);
      if (groups.length > mostGroups)
        throw new AwsRefusal("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached.");
      return () => {
        one.groups = groups;
        noteGroups(network);
      };
    }
    case "SourceDestCheck": {
      const value = valueFlag(call, name);
      return () => {
        one.sourceDestCheck = value;
      };
    }
    case "Description": {
      const value = textOf(partOf(call.params, name) ?? {}, "Value") ?? "";
      return () => {
        one.description = value;
      };
    }
    case "Attachment":
      return deletion(call, one);
    case "ConnectionTrackingSpecification":
      return tracking(call, one);
    default:
      throw new Unknown(`${call.service}:${call.operation} with ${name}`);
  }
}

function valueFlag(call: Call, name: string): boolean {
  const value = flagOf(partOf(call.params, name) ?? {}, "Value");
  if (value === null) throw new AwsRefusal("MissingParameter", `The request must contain the parameter ${name}.Value`);
  return value;
}

function deletion(call: Call, one: Interface): () => void {
  const asked = partOf(call.params, "Attachment") ?? {};
  const value = flagOf(asked, "DeleteOnTermination");
  const { attachment } = one;
  if (value === null) throw new Unknown(`${call.service}:${call.operation} with ${Object.keys(asked).join(", ")} of Attachment`);
  if (attachment === null || attachment.id !== textOf(asked, "AttachmentId"))
    throw new AwsRefusal("InvalidAttachmentID.NotFound", `The attachment ID '${textOf(asked, "AttachmentId")}' does not exist`);
  return () => {
    attachment.deleteOnTermination = value;
  };
}

/** Seconds that a connection may be idle (ConnectionTrackingSpecificationRequest). */
function tracking(call: Call, one: Interface): () => void {
  const asked = partOf(call.params, "ConnectionTrackingSpecification") ?? {};
  const seconds = (name: string, least: number, most: number): number | undefined => {
    const value = numberOf(asked, name);
    if (value === null) return undefined;
    if (!(value >= least && value <= most)) throw new AwsRefusal("InvalidParameterValue", `${name} must be from ${least} to ${most}: ${value}`);
    return value;
  };
  const given = {
    tcpEstablished: seconds("TcpEstablishedTimeout", 60, 432_000),
    udpStream: seconds("UdpStreamTimeout", 60, 180),
    udp: seconds("UdpTimeout", 30, 60),
  };
  return () => {
    one.tracking = { ...one.tracking, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
  };
}
