/** DescribeTags: all tags of an account in a Region, one row for each. */
import { listed, matches } from "./ec2-listing.ts";
import { here, type Tags } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import type { Call, Reply } from "./service.ts";

export function tagOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return { DescribeTags: (call) => describeTags(world, call) };
}

type Tagged = { readonly account: string; readonly region: string; readonly id: string; readonly tags: Tags };

function describeTags(world: Ec2World, call: Call): Reply {
  const { network } = world;
  const kinds: Readonly<Record<string, readonly Tagged[]>> = {
    instance: world.instances,
    volume: world.volumes,
    snapshot: world.snapshots,
    "network-interface": network.interfaces,
    "network-acl": network.networkAcls,
    "route-table": network.routeTables,
    "security-group": network.groups,
    subnet: network.subnets,
    "vpc-endpoint": network.vpcEndpoints,
    "vpc-flow-log": network.flowLogs,
  };
  const rows = Object.entries(kinds).flatMap(([resourceType, all]) =>
    here(all, call).flatMap(({ id, tags }) => [...tags].map(([key, value]) => ({ resourceId: id, resourceType, key, value }))),
  );
  const chosen = rows.filter((row) =>
    matches(call, {
      fields: { key: [row.key], value: [row.value], "resource-id": [row.resourceId], "resource-type": [row.resourceType] },
      tags: new Map([[row.key, row.value]]),
    }),
  );
  const { items, next } = listed(world, call, chosen, { least: 5 });
  return { xml: { tagSet: { item: items }, nextToken: next } };
}
