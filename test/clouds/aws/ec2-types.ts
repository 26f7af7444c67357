/** What EC2 says of instance types, as far as their disks go: those with instance store are the ones that an instance here has it on. */
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function typeOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return { DescribeInstanceTypes: (call) => describeTypes(world, call) };
}

function describeTypes(world: Ec2World, call: Call): Reply {
  const item = textsOf(call.params, "InstanceType").map((type): XmlObject => {
    const one = world.instances.find((instance) => instance.type === type);
    if (one === undefined) throw new AwsRefusal("InvalidInstanceType", `The following supplied instance types do not exist: [${type}]`);
    const count = one.instanceStore.length;
    const disks = { item: [{ sizeInGB: 75, count, type: "ssd" }] };
    return {
      instanceType: type,
      instanceStorageSupported: count > 0,
      instanceStorageInfo: count === 0 ? null : { totalSizeInGB: 75 * count, disks, nvmeSupport: "required" },
    };
  });
  return { xml: { instanceTypeSet: { item } } };
}
