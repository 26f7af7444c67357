/** What can be read of instances. */
import type { Ec2Instance, Ec2World } from "./ec2-world.ts";
import { interfacesOf, shownInstance, shownState } from "./ec2-instance-shown.ts";
import { listed, matches, type Filterable } from "./ec2-listing.ts";
import { here } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import { flagOf, requiredText, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function instanceOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeInstances: (call) => describeInstances(world, call),
    DescribeInstanceStatus: (call) => describeStatus(world, call),
    GetConsoleOutput: (call) => consoleOutput(instanceNamed(world, call, requiredText(call.params, "InstanceId")), call),
    GetConsoleScreenshot: (call) => screenshot(instanceNamed(world, call, requiredText(call.params, "InstanceId"))),
  };
}

export function instanceNamed(world: Ec2World, call: Call, id: string): Ec2Instance {
  if (!/^i-[0-9a-f]{8,17}$/.test(id)) throw new AwsRefusal("InvalidInstanceID.Malformed", `Invalid id: "${id}"`);
  const instance = here(world.instances, call).find((one) => one.id === id);
  if (instance === undefined) throw new AwsRefusal("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  return instance;
}

function chosen(world: Ec2World, call: Call): readonly Ec2Instance[] {
  const ids = textsOf(call.params, "InstanceId");
  const all = ids.length === 0 ? here(world.instances, call) : ids.map((id) => instanceNamed(world, call, id));
  return all.filter((one) => matches(call, filterable(world, one)));
}

function filterable(world: Ec2World, instance: Ec2Instance): Filterable {
  const interfaces = interfacesOf(world, instance);
  return {
    tags: instance.tags,
    fields: {
      "instance-id": [instance.id],
      "instance-state-name": [instance.state],
      "instance-type": [instance.type],
      "image-id": [instance.imageId],
      "availability-zone": [instance.zone],
      "vpc-id": [instance.vpc],
      "subnet-id": [instance.subnet],
      "block-device-mapping.volume-id": instance.mappings.map(({ volume }) => volume),
      "network-interface.network-interface-id": interfaces.map(({ id }) => id),
      "private-ip-address": interfaces.flatMap(({ privateAddresses }) => privateAddresses.slice(0, 1)),
    },
  };
}

function describeInstances(world: Ec2World, call: Call): Reply {
  const { items, next } = listed(world, call, chosen(world, call), { least: 5, alone: "InstanceId" });
  const item = items.map((one) => ({
    reservationId: one.reservation,
    ownerId: one.account,
    groupSet: {},
    instancesSet: { item: shownInstance(world, one) },
  }));
  return { xml: { reservationSet: { item }, nextToken: next } };
}

function describeStatus(world: Ec2World, call: Call): Reply {
  const everyone = flagOf(call.params, "IncludeAllInstances") === true;
  const all = chosen(world, call).filter(({ state }) => everyone || state === "running");
  const { items, next } = listed(world, call, all, { least: 5, alone: "InstanceId" });
  return { xml: { instanceStatusSet: { item: items.map(shownStatus) }, nextToken: next } };
}

function shownStatus(instance: Ec2Instance): XmlObject {
  const checked = (status: Ec2Instance["health"]): XmlObject => ({
    status,
    details: { item: { name: "reachability", status: { ok: "passed", impaired: "failed", initializing: "initializing" }[status] } },
  });
  const running = instance.state === "running";
  return {
    instanceId: instance.id,
    availabilityZone: instance.zone,
    eventsSet: instance.events.length === 0 ? null : { item: instance.events },
    instanceState: shownState(instance.state),
    systemStatus: running ? checked("ok") : { status: "not-applicable" },
    instanceStatus: running ? checked(instance.health) : { status: "not-applicable" },
  };
}

function consoleOutput(instance: Ec2Instance, call: Call): Reply {
  const { console, id } = instance;
  if (flagOf(call.params, "Latest") === true && !instance.nitro)
    throw new AwsRefusal("UnsupportedOperation", "This instance type does not support retrieving the latest console logs.");
  // The last 64 KiB are all that EC2 keeps.
  const output = console === null ? "" : Buffer.from(console.bytes).subarray(-65_536).toString("base64");
  return { xml: { instanceId: id, timestamp: console?.at ?? instance.launched, output } };
}

function screenshot(instance: Ec2Instance): Reply {
  if (instance.state !== "running") throw new AwsRefusal("IncorrectInstanceState", `The instance '${instance.id}' is not in the 'running' state.`);
  if (instance.screenshot === null) throw new AwsRefusal("UnsupportedOperation", `The instance '${instance.id}' does not support console screenshots.`);
  return { xml: { instanceId: instance.id, imageData: Buffer.from(instance.screenshot).toString("base64") } };
}
