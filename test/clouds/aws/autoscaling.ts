/** Auto Scaling groups, as far as freezing one instance of them goes. */
import { createHash } from "node:crypto";
import { flagOf, numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

type GroupInstance = { readonly id: string; state: "InService" | "Standby" | "Pending" | "Terminating"; protected: boolean };
type Activity = { readonly id: string; readonly description: string; readonly cause: string; readonly at: Date };
export type ScalingGroup = {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly zone: string;
  min: number;
  readonly max: number;
  desired: number;
  readonly created: Date;
  readonly instances: GroupInstance[];
  readonly suspended: Set<string>;
  readonly activities: Activity[];
};
export type ScalingWorld = { readonly groups: ScalingGroup[] };

const processes = [
  "Launch",
  "Terminate",
  "AddToLoadBalancer",
  "AlarmNotification",
  "AZRebalance",
  "HealthCheck",
  "InstanceRefresh",
  "ReplaceUnhealthy",
  "ScheduledActions",
];

export function autoScalingService(world: ScalingWorld): Service {
  const here = (call: Call): readonly ScalingGroup[] => world.groups.filter((group) => group.account === call.account && group.region === call.region);
  const named = (call: Call): ScalingGroup => {
    const name = requiredText(call.params, "AutoScalingGroupName");
    const group = here(call).find((one) => one.name === name);
    if (group === undefined) throw new AwsRefusal("ValidationError", `AutoScalingGroup name not found - AutoScalingGroup: ${name} not found`);
    return group;
  };
  return {
    name: "autoscaling",
    protocol: "query",
    version: "2011-01-01",
    namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
    operations: {
      DescribeAutoScalingInstances: (call) => {
        const ids = textsOf(call.params, "InstanceIds");
        const all = here(call).flatMap((group) =>
          group.instances.filter(({ id }) => ids.length === 0 || ids.includes(id)).map((one) => shownInstance(group, one, true)),
        );
        return listed(call, "AutoScalingInstances", all);
      },
      DescribeAutoScalingGroups: (call) => {
        const names = textsOf(call.params, "AutoScalingGroupNames");
        return listed(
          call,
          "AutoScalingGroups",
          here(call)
            .filter(({ name }) => names.length === 0 || names.includes(name))
            .map(shownGroup),
        );
      },
      DescribeScalingActivities: (call) =>
        listed(
          call,
          "Activities",
          named(call)
            .activities.toReversed()
            .map((one) => shownActivity(named(call), one)),
        ),
      EnterStandby: (call) => enterStandby(named(call), call),
      ExitStandby: (call) => exitStandby(named(call), call),
      SetInstanceProtection: (call) => {
        const group = named(call);
        for (const instance of chosen(group, call, ["InService", "Standby", "Pending"]))
          instance.protected = flagOf(call.params, "ProtectedFromScaleIn") === true;
        return { xml: {} };
      },
      SuspendProcesses: (call) => {
        for (const process of processesOf(call)) named(call).suspended.add(process);
        return {};
      },
      ResumeProcesses: (call) => {
        for (const process of processesOf(call)) named(call).suspended.delete(process);
        return {};
      },
    },
  };
}

function listed(call: Call, name: string, all: readonly XmlObject[]): Reply {
  const { items, next } = pageOf(() => all, {
    size: numberOf(call.params, "MaxRecords") ?? 50,
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidNextToken", "The NextToken value is not valid."),
  });
  return { xml: { [name]: { member: items }, NextToken: next } };
}

function processesOf(call: Call): readonly string[] {
  const asked = textsOf(call.params, "ScalingProcesses");
  for (const process of asked) if (!processes.includes(process)) throw new AwsRefusal("ValidationError", `${process} is not a valid process type`);
  return asked.length === 0 ? processes : asked;
}

function chosen(group: ScalingGroup, call: Call, states: readonly GroupInstance["state"][]): readonly GroupInstance[] {
  return textsOf(call.params, "InstanceIds").map((id) => {
    const instance = group.instances.find((one) => one.id === id);
    if (instance === undefined) throw new AwsRefusal("ValidationError", `The instance ${id} is not part of Auto Scaling group ${group.name}.`);
    if (!states.includes(instance.state)) throw new AwsRefusal("ValidationError", `The instance ${id} is not in ${states.join(" or ")}.`);
    return instance;
  });
}

function enterStandby(group: ScalingGroup, call: Call): Reply {
  const instances = chosen(group, call, ["InService"]);
  const decrement = flagOf(call.params, "ShouldDecrementDesiredCapacity");
  if (decrement === null) throw new AwsRefusal("ValidationError", "ShouldDecrementDesiredCapacity is required");
  if (decrement && group.desired - instances.length < group.min)
    throw new AwsRefusal(
      "ValidationError",
      `AutoScalingGroup ${group.name} has min-size=${group.min}, max-size=${group.max}, and desired-size=${group.desired}. To place into standby ${instances.length} instance(s) the min-size must be lowered.`,
    );
  if (decrement) group.desired -= instances.length;
  for (const instance of instances) instance.state = "Standby";
  return acted(group, instances, call.now, "Moving EC2 instance to Standby");
}

function exitStandby(group: ScalingGroup, call: Call): Reply {
  const instances = chosen(group, call, ["Standby"]);
  if (group.desired + instances.length > group.max)
    throw new AwsRefusal("ValidationError", `AutoScalingGroup ${group.name} would be over its max-size=${group.max}.`);
  group.desired += instances.length;
  for (const instance of instances) instance.state = "InService";
  return acted(group, instances, call.now, "Moving EC2 instance out of Standby");
}

function acted(group: ScalingGroup, instances: readonly GroupInstance[], at: Date, what: string): Reply {
  const made = instances.map(({ id }) => {
    const hash = createHash("sha256").update(`${group.name} ${id} ${group.activities.length}`).digest("hex");
    const activity = {
      id: `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(12, 15)}-8${hash.slice(15, 18)}-${hash.slice(18, 30)}`,
      description: `${what}: ${id}`,
      cause: `At ${at.toISOString()} a user asked for it.`,
      at,
    };
    group.activities.push(activity);
    return shownActivity(group, activity);
  });
  return { xml: { Activities: { member: made } } };
}

function shownActivity(group: ScalingGroup, { id, description, cause, at }: Activity): XmlObject {
  return {
    ActivityId: id,
    AutoScalingGroupName: group.name,
    Description: description,
    Cause: cause,
    StartTime: at,
    EndTime: at,
    StatusCode: "Successful",
    Progress: 100,
    Details: "{}",
  };
}

function shownInstance(group: ScalingGroup, instance: GroupInstance, withGroup: boolean): XmlObject {
  return {
    InstanceId: instance.id,
    ...(withGroup ? { AutoScalingGroupName: group.name } : {}),
    AvailabilityZone: group.zone,
    LifecycleState: instance.state,
    HealthStatus: withGroup ? "HEALTHY" : "Healthy",
    ProtectedFromScaleIn: instance.protected,
  };
}

function shownGroup(group: ScalingGroup): XmlObject {
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: `arn:aws:autoscaling:${group.region}:${group.account}:autoScalingGroup:0b1c:autoScalingGroupName/${group.name}`,
    MinSize: group.min,
    MaxSize: group.max,
    DesiredCapacity: group.desired,
    DefaultCooldown: 300,
    AvailabilityZones: { member: [group.zone] },
    HealthCheckType: "EC2",
    HealthCheckGracePeriod: 300,
    Instances: { member: group.instances.map((one) => shownInstance(group, one, false)) },
    CreatedTime: group.created,
    SuspendedProcesses: {
      member: [...group.suspended].map((ProcessName) => ({ ProcessName, SuspensionReason: `User suspended at ${group.created.toISOString()}` })),
    },
    NewInstancesProtectedFromScaleIn: false,
  };
}
