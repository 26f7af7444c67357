/** Which role an instance works with. None of these calls has a dry run. */
import { described } from "./ec2-described.ts";
import { type Ec2Network, here, newId, type ProfileAssociation } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { partOf, requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import { uniqueId } from "./sts.ts";
import type { XmlObject } from "./wire-xml.ts";

export function profileOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  const { network } = world;
  return {
    DescribeIamInstanceProfileAssociations: (call) => describeAssociations(world, call),
    AssociateIamInstanceProfile: (call) => associate(network, call),
    DisassociateIamInstanceProfile: (call) => disassociate(network, call),
  };
}

function noAssociation(id: string): AwsRefusal {
  return new AwsRefusal("InvalidAssociationID.NotFound", `An invalid association-id of '${id}' was given`);
}

/** One that is on its way arrives after so many looks (`profileWaits`), of which a vain attempt to put another in its place is one. */
function describeAssociations(world: Ec2World, call: Call): Reply {
  const { network } = world;
  const reply = described(world, call, {
    all: here(network.profileAssociations, call).filter(({ state }) => state !== "disassociated"),
    set: "iamInstanceProfileAssociationSet",
    show: shownAssociation,
    ids: { parameter: "AssociationId", of: ({ id }) => id, missing: noAssociation },
    fields: ({ instance, state }) => ({ "instance-id": [instance], state: [state] }),
    tags: () => new Map(),
    most: 1000,
  });
  for (const one of here(network.profileAssociations, call)) look(one);
  return reply;
}

function look(one: ProfileAssociation): void {
  one.waits -= 1;
  if (one.waits > 0) return;
  if (one.state === "associating") one.state = "associated";
  if (one.state === "disassociating") one.state = "disassociated";
}

function shownAssociation(one: ProfileAssociation): XmlObject {
  return {
    associationId: one.id,
    instanceId: one.instance,
    iamInstanceProfile: { arn: one.profileArn, id: uniqueId("AIPA", `${one.account} ${one.profileArn.split("/").at(-1)}`) },
    state: one.state,
    timestamp: one.at,
  };
}

function associate(network: Ec2Network, call: Call): () => Reply {
  const instance = requiredText(call.params, "InstanceId");
  const asked = partOf(call.params, "IamInstanceProfile") ?? {};
  const [arn, name] = [textOf(asked, "Arn"), textOf(asked, "Name")];
  if ((arn === null) === (name === null))
    throw new AwsRefusal("InvalidParameterCombination", "Exactly one of the name and the ARN of an instance profile is to be given");
  const profileArn = arn ?? `arn:aws:iam::${call.account}:instance-profile/${name}`;
  if (!profileArn.startsWith(`arn:aws:iam::${call.account}:instance-profile/`))
    throw new AwsRefusal("InvalidParameterValue", `Value (${profileArn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`);
  const state = network.instanceState(call.account, call.region, instance);
  if (state === null) throw new AwsRefusal("InvalidInstanceID.NotFound", `The instance ID '${instance}' does not exist`);
  if (state !== "running" && state !== "stopped")
    throw new AwsRefusal("IncorrectInstanceState", `The instance '${instance}' is not in the 'running' or 'stopped' states.`);
  // One that is on its way out still counts.
  const taken = here(network.profileAssociations, call).find((one) => one.instance === instance && one.state !== "disassociated");
  if (taken !== undefined) {
    look(taken);
    throw new AwsRefusal("IncorrectState", `There is an existing association for instance ${instance}`);
  }
  return () => {
    const { account, region, now } = call;
    const one: ProfileAssociation = {
      account,
      region,
      id: newId(network, "iip-assoc"),
      instance,
      profileArn,
      state: "associating",
      at: now,
      waits: network.profileWaits,
    };
    network.profileAssociations.push(one);
    return { xml: { iamInstanceProfileAssociation: shownAssociation(one) } };
  };
}

function disassociate(network: Ec2Network, call: Call): () => Reply {
  const id = requiredText(call.params, "AssociationId");
  const one = here(network.profileAssociations, call).find((known) => known.id === id && known.state !== "disassociated");
  if (one === undefined) throw noAssociation(id);
  if (one.state === "disassociating")
    throw new AwsRefusal("IncorrectState", `The association ${id} is not in a state that lets it be taken away: ${one.state}`);
  return () => {
    one.state = "disassociating";
    one.at = call.now;
    one.waits = network.profileWaits;
    return { xml: { iamInstanceProfileAssociation: shownAssociation(one) } };
  };
}
