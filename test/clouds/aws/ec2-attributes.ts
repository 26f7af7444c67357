/** DescribeInstanceAttribute and ModifyInstanceAttribute: one attribute a call, both of them. */
import { groupSet, interfacesOf, shownMapping } from "./ec2-instance-shown.ts";
import { instanceNamed } from "./ec2-instances.ts";
import { type Ec2Operation, wellDone } from "./ec2-operation.ts";
import type { Ec2Instance, Ec2World } from "./ec2-world.ts";
import { flagOf, itemsOf, partOf, requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Params, type Reply, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function attributeOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeInstanceAttribute: (call) => describe(world, call),
    ModifyInstanceAttribute: (call) => modify(instanceNamed(world, call, requiredText(call.params, "InstanceId")), call),
  };
}

function describe(world: Ec2World, call: Call): Reply {
  const instance = instanceNamed(world, call, requiredText(call.params, "InstanceId"));
  const name = requiredText(call.params, "Attribute");
  const show = shown[name];
  if (show === undefined) throw new AwsRefusal("InvalidParameterValue", `Value (${name}) for parameter attribute is invalid. Unknown attribute.`);
  return { xml: { instanceId: instance.id, ...show(instance, world) } };
}

/** A structure without `value` is an attribute that is not set. */
const shown: Readonly<Record<string, (instance: Ec2Instance, world: Ec2World) => XmlObject>> = {
  instanceType: ({ type }) => ({ instanceType: { value: type } }),
  userData: ({ userData }) => ({ userData: userData === null ? {} : { value: Buffer.from(userData).toString("base64") } }),
  disableApiTermination: ({ disableApiTermination }) => ({ disableApiTermination: { value: disableApiTermination } }),
  disableApiStop: ({ disableApiStop }) => ({ disableApiStop: { value: disableApiStop } }),
  instanceInitiatedShutdownBehavior: ({ shutdownBehavior }) => ({ instanceInitiatedShutdownBehavior: { value: shutdownBehavior } }),
  rootDeviceName: ({ rootDevice }) => ({ rootDeviceName: { value: rootDevice } }),
  blockDeviceMapping: ({ mappings }) => ({ blockDeviceMapping: { item: mappings.map(shownMapping) } }),
  kernel: () => ({ kernel: {} }),
  ramdisk: () => ({ ramdisk: {} }),
  productCodes: () => ({ productCodes: {} }),
  ebsOptimized: () => ({ ebsOptimized: { value: false } }),
  enaSupport: () => ({ enaSupport: { value: true } }),
  enclaveOptions: () => ({ enclaveOptions: { enabled: false } }),
  sriovNetSupport: () => ({ sriovNetSupport: {} }),
  sourceDestCheck: (instance, world) => ({ sourceDestCheck: { value: interfacesOf(world, instance)[0]?.sourceDestCheck ?? true } }),
  groupSet: (instance, world) => ({ groupSet: groupSet(world, interfacesOf(world, instance)[0]) }),
};

const modelled = ["DisableApiTermination", "DisableApiStop", "InstanceInitiatedShutdownBehavior", "BlockDeviceMapping", "UserData"];
const others = ["SourceDestCheck", "EnclaveOptions", "InstanceType", "Kernel", "Ramdisk", "GroupId", "EbsOptimized", "SriovNetSupport", "EnaSupport"];

function modify(instance: Ec2Instance, call: Call): () => Reply {
  const named = [...modelled, ...others].filter((name) => call.params[name] !== undefined);
  const byName = textOf(call.params, "Attribute");
  // blockDeviceMapping is named beside its list (the CLI does so); the others carry `Value`.
  if (byName !== null && byName !== "blockDeviceMapping") named.push(byName.slice(0, 1).toUpperCase() + byName.slice(1));
  const [name] = named;
  if (name === undefined) throw new AwsRefusal("MissingParameter", "The request must contain an attribute to modify");
  if (named.length > 1) throw new AwsRefusal("InvalidParameterCombination", "Fields for multiple attribute types specified");
  if (!modelled.includes(name)) throw new Unknown(`${call.service}:${call.operation} of ${name}`);
  if (instance.state === "terminated" || instance.state === "shutting-down")
    throw new AwsRefusal("IncorrectInstanceState", `The instance '${instance.id}' is '${instance.state}'.`);
  const change = changeOf(instance, name, call);
  return () => {
    change();
    return wellDone;
  };
}

function changeOf(instance: Ec2Instance, name: string, call: Call): () => void {
  if (name === "BlockDeviceMapping") return mappingChange(instance, itemsOf(call.params, name));
  const value = textOf(partOf(call.params, name) ?? call.params, "Value");
  switch (name) {
    case "DisableApiTermination": {
      const flag = flagged(value, name);
      return () => {
        instance.disableApiTermination = flag;
      };
    }
    case "DisableApiStop": {
      const flag = flagged(value, name);
      return () => {
        instance.disableApiStop = flag;
      };
    }
    case "InstanceInitiatedShutdownBehavior": {
      if (value !== "stop" && value !== "terminate") throw invalid(name, value);
      return () => {
        instance.shutdownBehavior = value;
      };
    }
    case "UserData": {
      if (instance.state !== "stopped") throw new AwsRefusal("IncorrectInstanceState", `The instance '${instance.id}' is not in the 'stopped' state.`);
      const bytes = Buffer.from(value ?? "", "base64");
      return () => {
        instance.userData = bytes.length === 0 ? null : bytes;
      };
    }
    default:
      throw new Unknown(`${call.service}:${call.operation} of ${name}`);
  }
}

function mappingChange(instance: Ec2Instance, asked: readonly Params[]): () => void {
  const changes = asked.map((one) => {
    const device = textOf(one, "DeviceName");
    const mapping = instance.mappings.find((known) => known.device === device);
    if (mapping === undefined) throw new AwsRefusal("InvalidInstanceAttributeValue", `No device is currently mapped at ${device}`);
    const ebs = partOf(one, "Ebs");
    const volume = ebs === null ? null : textOf(ebs, "VolumeId");
    if (volume !== null && volume !== mapping.volume) throw new AwsRefusal("InvalidInstanceAttributeValue", `The volume ${volume} is not mapped at ${device}`);
    // Left out, it is true: EC2's words, and a trap.
    return { mapping, flag: (ebs === null ? null : flagOf(ebs, "DeleteOnTermination")) ?? true };
  });
  return () => {
    for (const { mapping, flag } of changes) mapping.deleteOnTermination = flag;
  };
}

function flagged(value: string | null, name: string): boolean {
  if (value !== "true" && value !== "false") throw invalid(name, value);
  return value === "true";
}

function invalid(name: string, value: string | null): AwsRefusal {
  return new AwsRefusal("InvalidParameterValue", `Value (${value}) for parameter ${name} is invalid.`);
}
