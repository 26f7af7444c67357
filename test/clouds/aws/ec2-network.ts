/** All of EC2's operations about networks that the stand-in has. */
import { flowLogOperations } from "./ec2-flow-logs.ts";
import { groupOperations } from "./ec2-groups.ts";
import { interfaceOperations } from "./ec2-interfaces.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import { placeOperations } from "./ec2-places.ts";
import { profileOperations } from "./ec2-profiles.ts";
import type { Ec2World } from "./ec2-world.ts";

export function networkOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return { ...interfaceOperations(world), ...groupOperations(world), ...placeOperations(world), ...flowLogOperations(world), ...profileOperations(world) };
}
