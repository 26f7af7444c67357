/** Subnets, routes, network ACLs and endpoints: what lies around an interface. */
import { described } from "./ec2-described.ts";
import { shownTags } from "./ec2-listing.ts";
import { groupSet } from "./ec2-interfaces.ts";
import { type Ec2Network, here, type NetworkAcl, type Route, type RouteTable, type Subnet, type VpcEndpoint } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function placeOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeSubnets: (call) => describeSubnets(world, call),
    DescribeRouteTables: (call) => describeRouteTables(world, call),
    DescribeNetworkAcls: (call) => describeAcls(world, call),
    DescribeVpcEndpoints: (call) => describeEndpoints(world, call),
  };
}

function describeSubnets(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.subnets, call),
    set: "subnetSet",
    show: shownSubnet,
    ids: idsOf("SubnetId", "InvalidSubnetID.NotFound", "subnet"),
    fields: (subnet) => ({
      "subnet-id": [subnet.id],
      "vpc-id": [subnet.vpc],
      "availability-zone": [subnet.zone],
      "cidr-block": [subnet.cidr],
      state: ["available"],
    }),
    tags: ({ tags }) => tags,
    most: 1000,
  });
}

function describeRouteTables(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.routeTables, call),
    set: "routeTableSet",
    show: shownTable,
    ids: idsOf("RouteTableId", "InvalidRouteTableID.NotFound", "routeTable"),
    fields: (table) => ({
      "route-table-id": [table.id],
      "vpc-id": [table.vpc],
      "association.subnet-id": table.associations.flatMap(({ subnet }) => (subnet === null ? [] : [subnet])),
      // A table without an association says neither.
      "association.main": table.associations.map(({ subnet }) => String(subnet === null)),
    }),
    tags: ({ tags }) => tags,
    most: 100,
  });
}

function describeAcls(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.networkAcls, call),
    set: "networkAclSet",
    show: shownAcl,
    ids: idsOf("NetworkAclId", "InvalidNetworkAclID.NotFound", "networkAcl"),
    fields: (acl) => ({
      "network-acl-id": [acl.id],
      "vpc-id": [acl.vpc],
      "association.subnet-id": acl.associations.map(({ subnet }) => subnet),
      default: [String(acl.isDefault)],
    }),
    tags: ({ tags }) => tags,
    most: 1000,
  });
}

function describeEndpoints(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.vpcEndpoints, call),
    set: "vpcEndpointSet",
    show: (one) => shownEndpoint(world.network, one),
    ids: idsOf("VpcEndpointId", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint"),
    fields: (one) => ({
      "vpc-endpoint-id": [one.id],
      "vpc-id": [one.vpc],
      "service-name": [one.service],
      "vpc-endpoint-type": [one.type],
      "vpc-endpoint-state": ["available"],
    }),
    tags: ({ tags }) => tags,
    least: 1,
  });
}

type Ids = { readonly parameter: string; readonly of: (one: { readonly id: string }) => string; readonly missing: (id: string) => AwsRefusal };

function idsOf(parameter: string, code: string, what: string): Ids {
  return { parameter, of: ({ id }) => id, missing: (id) => new AwsRefusal(code, `The ${what} ID '${id}' does not exist`) };
}

function shownSubnet(subnet: Subnet): XmlObject {
  return {
    subnetId: subnet.id,
    subnetArn: `arn:aws:ec2:${subnet.region}:${subnet.account}:subnet/${subnet.id}`,
    state: "available",
    ownerId: subnet.account,
    vpcId: subnet.vpc,
    cidrBlock: subnet.cidr,
    availableIpAddressCount: 2 ** (32 - Number(subnet.cidr.split("/")[1])) - 5,
    availabilityZone: subnet.zone,
    defaultForAz: false,
    mapPublicIpOnLaunch: subnet.mapPublicIp,
    assignIpv6AddressOnCreation: false,
    ipv6Native: false,
    tagSet: shownTags(subnet.tags),
  };
}

function shownTable(table: RouteTable): XmlObject {
  return {
    routeTableId: table.id,
    vpcId: table.vpc,
    ownerId: table.account,
    routeSet: { item: table.routes.map(shownRoute) },
    associationSet: {
      item: table.associations.map(({ id, subnet }) => ({
        routeTableAssociationId: id,
        routeTableId: table.id,
        subnetId: subnet,
        main: subnet === null,
        associationState: { state: "associated" },
      })),
    },
    propagatingVgwSet: {},
    tagSet: shownTags(table.tags),
  };
}

function shownRoute({ destination, target, state, origin }: Route): XmlObject {
  const kind = destination.startsWith("pl-") ? "destinationPrefixListId" : destination.includes(":") ? "destinationIpv6CidrBlock" : "destinationCidrBlock";
  return { [kind]: destination, [target.name]: target.id, state, origin };
}

function shownAcl(acl: NetworkAcl): XmlObject {
  return {
    networkAclId: acl.id,
    vpcId: acl.vpc,
    ownerId: acl.account,
    default: acl.isDefault,
    entrySet: {
      item: acl.entries.map(({ number, egress, protocol, action, cidr, ports }) => ({
        ruleNumber: number,
        protocol,
        ruleAction: action,
        egress,
        [cidr.includes(":") ? "ipv6CidrBlock" : "cidrBlock"]: cidr,
        portRange: ports,
      })),
    },
    associationSet: { item: acl.associations.map(({ id, subnet }) => ({ networkAclAssociationId: id, networkAclId: acl.id, subnetId: subnet })) },
    tagSet: shownTags(acl.tags),
  };
}

function shownEndpoint(network: Ec2Network, one: VpcEndpoint): XmlObject {
  const [, , , service = ""] = one.service.split(".");
  return {
    vpcEndpointId: one.id,
    vpcEndpointType: one.type,
    vpcId: one.vpc,
    serviceName: one.service,
    // The model's spelling; EC2's own examples write it small.
    state: "Available",
    routeTableIdSet: { item: one.routeTables },
    subnetIdSet: { item: one.subnets },
    groupSet: groupSet(network, one.groups),
    ipAddressType: "ipv4",
    privateDnsEnabled: one.privateDns,
    requesterManaged: false,
    networkInterfaceIdSet: { item: one.interfaces },
    dnsEntrySet: { item: one.type === "Interface" ? [{ dnsName: `${one.id}.${service}.${one.region}.vpce.amazonaws.com` }] : [] },
    creationTimestamp: one.created,
    tagSet: shownTags(one.tags),
    ownerId: one.account,
  };
}
