/** GetInventory: what an agent last reported of its instance, one type of it for each call. */
import { itemsOf, numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";
import type { ManagedInstance, SsmWorld } from "./ssm-world.ts";

const own = "AWS:InstanceInformation";

export function getInventory(world: SsmWorld, call: Call): Reply {
  if (itemsOf(call.params, "Aggregators").length > 0) throw new Unknown("ssm:GetInventory with Aggregators");
  const ids = itemsOf(call.params, "Filters").map((filter) => {
    if (requiredText(filter, "Key") !== `${own}.InstanceId` || (textOf(filter, "Type") ?? "Equal") !== "Equal")
      throw new Unknown(`ssm:GetInventory with the filter ${JSON.stringify(filter)}`);
    return textsOf(filter, "Values");
  });
  const [asked] = itemsOf(call.params, "ResultAttributes");
  const type = asked === undefined ? own : requiredText(asked, "TypeName");
  if (!/^(AWS|Custom):/.test(type)) throw new AwsRefusal("InvalidTypeNameException", `The type name ${type} is not valid.`);
  const all = world.instances.filter(
    ({ account, region, instanceId }) => account === call.account && region === call.region && ids.every((some) => some.includes(instanceId)),
  );
  const { items, next } = pageOf(() => all, {
    size: numberOf(call.params, "MaxResults") ?? 50,
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidNextToken", "The specified token is not valid."),
  });
  return { json: { Entities: items.map((one) => shown(one, type)), ...(next === null ? {} : { NextToken: next }) } };
}

/** A type that was never reported is not in Data; one that was reported empty is, with no content. */
function shown(instance: ManagedInstance, type: string): unknown {
  const reported = type === own ? { at: null, rows: [ownRow(instance)] } : instance.inventory.get(type);
  if (reported === undefined) return { Id: instance.instanceId, Data: {} };
  const { at, rows } = reported;
  const captured = at === null ? {} : { CaptureTime: `${at.toISOString().slice(0, 19)}Z` };
  return { Id: instance.instanceId, Data: { [type]: { TypeName: type, SchemaVersion: "1.0", ...captured, Content: rows } } };
}

function ownRow(instance: ManagedInstance): Readonly<Record<string, string>> {
  return {
    AgentType: "amazon-ssm-agent",
    AgentVersion: instance.agentVersion,
    ComputerName: `${instance.instanceId}.internal`,
    InstanceId: instance.instanceId,
    InstanceStatus: instance.ping === "Online" ? "Active" : "Stopped",
    PlatformName: instance.platformName,
    PlatformType: instance.platform,
    PlatformVersion: instance.platformVersion,
    ResourceType: "EC2Instance",
  };
}
