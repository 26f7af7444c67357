/**
 * EC2 as a collection meets it. State and switches: ec2-world.ts; instances, volumes and snapshots are made by ec2-made.ts.
 *
 *     const world = ec2World({ kms, network });
 *     const fake = await openAwsFake({ keys, services: [ec2Service(world), ebsService(ebsWorld(snapshotsOf(world))), kmsService(world.kms)] });
 */
import type { Ec2World } from "./ec2-world.ts";
import { attributeOperations } from "./ec2-attributes.ts";
import { copyOperations } from "./ec2-copy.ts";
import { instanceOperations } from "./ec2-instances.ts";
import { lockOperations } from "./ec2-locks.ts";
import { networkOperations } from "./ec2-network.ts";
import { dryRunnable, type Ec2Operation } from "./ec2-operation.ts";
import { powerOperations } from "./ec2-power.ts";
import { sharingOperations } from "./ec2-sharing.ts";
import { snapshotOperations } from "./ec2-snapshots.ts";
import { tagOperations } from "./ec2-tags.ts";
import { typeOperations } from "./ec2-types.ts";
import { volumeOperations } from "./ec2-volumes.ts";
import type { Service } from "./service.ts";

export function ec2Service(world: Ec2World): Service {
  const operations: Readonly<Record<string, Ec2Operation>> = {
    ...instanceOperations(world),
    ...typeOperations(world),
    ...attributeOperations(world),
    ...powerOperations(world),
    ...volumeOperations(world),
    ...tagOperations(world),
    ...snapshotOperations(world),
    ...lockOperations(world),
    ...sharingOperations(world),
    ...copyOperations(world),
    ...networkOperations(world),
  };
  return {
    name: "ec2",
    protocol: "ec2",
    version: "2016-11-15",
    namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
    operations: Object.fromEntries(Object.entries(operations).map(([name, operation]) => [name, dryRunnable(world, operation)])),
  };
}
