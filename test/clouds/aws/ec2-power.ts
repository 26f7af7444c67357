/** The ends of an instance: what an attacker, a group or a guest can do to it, as far as its protections let them. */
import { interfacesOf, shownState } from "./ec2-instance-shown.ts";
import { instanceNamed } from "./ec2-instances.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2Instance, Ec2World } from "./ec2-world.ts";
import { textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function powerOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    TerminateInstances: (call) => {
      const all = chosen(world, call);
      for (const one of all) {
        // Stop protection keeps an instance from termination too (User Guide).
        if (one.disableApiTermination) throw notPermitted(one, "terminated", "disableApiTermination");
        if (one.disableApiStop && one.state !== "terminated") throw notPermitted(one, "terminated", "disableApiStop");
      }
      return () => acted(all, "shutting-down", "terminated", (one) => terminate(world, one, "Client.UserInitiatedShutdown: User initiated shutdown"));
    },
    StopInstances: (call) => {
      const all = chosen(world, call);
      for (const one of all) {
        if (one.disableApiStop) throw notPermitted(one, "stopped", "disableApiStop");
        if (one.state === "terminated")
          throw new AwsRefusal("IncorrectInstanceState", `This instance '${one.id}' is not in a state from which it can be stopped.`);
      }
      return () => acted(all, "stopping", "stopped", (one) => stop(one, "Client.UserInitiatedShutdown: User initiated shutdown"));
    },
  };
}

/** `shutdown -h now` inside: no protection is asked, only the shutdown behaviour. */
export function shutDownFromInside(world: Ec2World, instance: Ec2Instance): void {
  const reason = "Client.InstanceInitiatedShutdown: Instance initiated shutdown";
  if (instance.shutdownBehavior === "terminate") terminate(world, instance, reason);
  else stop(instance, reason);
}

function chosen(world: Ec2World, call: Call): readonly Ec2Instance[] {
  const ids = textsOf(call.params, "InstanceId");
  if (ids.length === 0) throw new AwsRefusal("MissingParameter", "The request must contain the parameter InstanceId");
  return ids.map((id) => instanceNamed(world, call, id));
}

function notPermitted({ id }: Ec2Instance, what: string, attribute: string): AwsRefusal {
  return new AwsRefusal("OperationNotPermitted", `The instance '${id}' may not be ${what}. Modify its '${attribute}' instance attribute and try again.`);
}

/** The way there takes no time here; the answer names it all the same. */
function acted(all: readonly Ec2Instance[], onTheWay: "stopping" | "shutting-down", there: "stopped" | "terminated", act: (one: Ec2Instance) => void): Reply {
  const item = all.map((one): XmlObject => {
    const previousState = shownState(one.state);
    const currentState = shownState(one.state === there ? there : onTheWay);
    act(one);
    return { instanceId: one.id, currentState, previousState };
  });
  return { xml: { instancesSet: { item } } };
}

function stop(instance: Ec2Instance, message: string): void {
  instance.state = "stopped";
  instance.stateReason = { code: message.split(":")[0] ?? "", message };
}

function terminate(world: Ec2World, instance: Ec2Instance, message: string): void {
  if (instance.state === "terminated") return;
  instance.state = "terminated";
  instance.stateReason = { code: message.split(":")[0] ?? "", message };
  const gone = new Set(instance.mappings.filter(({ deleteOnTermination }) => deleteOnTermination).map(({ volume }) => volume));
  remove(world.volumes, ({ id }) => gone.has(id));
  instance.mappings.length = 0;
  for (const one of interfacesOf(world, instance)) {
    if (one.attachment?.deleteOnTermination === true) remove(world.network.interfaces, ({ id }) => id === one.id);
    else one.attachment = null;
  }
}

function remove<T>(all: T[], which: (one: T) => boolean): void {
  for (let i = all.length - 1; i >= 0; i -= 1) {
    const one = all[i];
    if (one !== undefined && which(one)) all.splice(i, 1);
  }
}
