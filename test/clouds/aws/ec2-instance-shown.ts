import { type Interface, here } from "./ec2-network-world.ts";
import type { Ec2Instance, Ec2World, InstanceState } from "./ec2-world.ts";
import { shownTags } from "./ec2-listing.ts";
import { uniqueId } from "./sts.ts";
import type { XmlObject } from "./wire-xml.ts";

const codes: Readonly<Record<InstanceState, number>> = { pending: 0, running: 16, "shutting-down": 32, terminated: 48, stopping: 64, stopped: 80 };

export function shownState(state: InstanceState): XmlObject {
  return { code: codes[state], name: state };
}

/** Its interfaces, the primary one first. */
export function interfacesOf(world: Ec2World, { id }: Ec2Instance): readonly Interface[] {
  const mine = world.network.interfaces.filter(({ attachment }) => attachment?.instance === id);
  return mine.sort((a, b) => (a.attachment?.deviceIndex ?? 0) - (b.attachment?.deviceIndex ?? 0));
}

/** An instance as DescribeInstances shows it; a terminated one has lost its network and volumes. */
export function shownInstance(world: Ec2World, instance: Ec2Instance): XmlObject {
  const [primary, ...others] = interfacesOf(world, instance);
  const windows = instance.platform === "windows";
  const association = here(world.network.profileAssociations, instance).find((one) => one.instance === instance.id && one.state !== "disassociated");
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: shownState(instance.state),
    privateDnsName: primary === undefined ? "" : dnsName(instance.region, primary),
    dnsName: "",
    reason: instance.stateReason?.message ?? "",
    keyName: instance.keyName,
    amiLaunchIndex: 0,
    instanceType: instance.type,
    launchTime: instance.launched,
    placement: { availabilityZone: instance.zone, groupName: "", tenancy: "default" },
    platform: windows ? "Windows" : null,
    monitoring: { state: "disabled" },
    subnetId: primary?.subnet,
    vpcId: primary?.vpc,
    privateIpAddress: primary?.privateAddresses[0],
    ipAddress: primary?.publicAddress,
    architecture: instance.architecture,
    blockDeviceMapping: { item: instance.mappings.map(shownMapping) },
    clientToken: "",
    ebsOptimized: false,
    enaSupport: true,
    hypervisor: "xen",
    iamInstanceProfile:
      association === undefined
        ? null
        : { arn: association.profileArn, id: uniqueId("AIPA", `${instance.account} ${association.profileArn.split("/").at(-1)}`) },
    networkInterfaceSet: { item: (primary === undefined ? [] : [primary, ...others]).map((one) => shownInterface(world, one)) },
    rootDeviceName: instance.rootDevice,
    rootDeviceType: "ebs",
    groupSet: groupSet(world, primary),
    sourceDestCheck: primary?.sourceDestCheck,
    stateReason: instance.stateReason,
    tagSet: shownTags(instance.tags),
    virtualizationType: "hvm",
    metadataOptions: {
      state: "applied",
      httpTokens: instance.metadata.httpTokens,
      httpPutResponseHopLimit: instance.metadata.hopLimit,
      httpEndpoint: "enabled",
      httpProtocolIpv6: "disabled",
      instanceMetadataTags: "disabled",
    },
    platformDetails: windows ? "Windows" : "Linux/UNIX",
  };
}

export function shownMapping({ device, volume, deleteOnTermination, attached }: Ec2Instance["mappings"][number]): XmlObject {
  return { deviceName: device, ebs: { volumeId: volume, status: "attached", attachTime: attached, deleteOnTermination } };
}

export function groupSet(world: Ec2World, one: Interface | undefined): XmlObject {
  const names = new Map(world.network.groups.map(({ id, name }) => [id, name]));
  return { item: (one?.groups ?? []).map((groupId) => ({ groupId, groupName: names.get(groupId) ?? groupId })) };
}

function shownInterface(world: Ec2World, one: Interface): XmlObject {
  const publicly = one.publicAddress === null ? null : { ipOwnerId: "amazon", publicDnsName: "", publicIp: one.publicAddress };
  return {
    networkInterfaceId: one.id,
    subnetId: one.subnet,
    vpcId: one.vpc,
    description: one.description,
    ownerId: one.account,
    status: "in-use",
    macAddress: one.mac,
    privateIpAddress: one.privateAddresses[0],
    privateDnsName: dnsName(one.region, one),
    sourceDestCheck: one.sourceDestCheck,
    groupSet: groupSet(world, one),
    attachment:
      one.attachment === null
        ? null
        : {
            attachmentId: one.attachment.id,
            deviceIndex: one.attachment.deviceIndex,
            status: "attached",
            attachTime: one.attachment.at,
            deleteOnTermination: one.attachment.deleteOnTermination,
            networkCardIndex: 0,
          },
    association: publicly,
    privateIpAddressesSet: {
      item: one.privateAddresses.map((privateIpAddress, i) => ({ privateIpAddress, primary: i === 0, association: i === 0 ? publicly : null })),
    },
    ipv6AddressesSet: { item: one.ipv6Addresses.map((ipv6Address) => ({ ipv6Address })) },
    interfaceType: "interface",
  };
}

function dnsName(region: string, one: Interface): string {
  return `ip-${(one.privateAddresses[0] ?? "").replaceAll(".", "-")}.${region}.compute.internal`;
}
