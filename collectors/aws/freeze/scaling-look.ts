import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import { type Refused, withId } from "../client/refused.ts";

/** How an instance stands with Auto Scaling. `state` is a lifecycle state: `InService`, `EnteringStandby`, `Standby`… */
export type Standing =
  | { readonly kind: "none"; readonly requestIds: readonly string[] }
  | {
      readonly kind: "member";
      readonly group: string;
      readonly state: string;
      readonly min: number;
      readonly max: number;
      readonly desired: number;
      readonly requestIds: readonly string[];
    }
  | Refused;

/** Which group it is in, and what that group can spare. */
export async function lookAtScaling(aws: Aws, signal: AbortSignal): Promise<Standing> {
  const id = aws.instance.instance;
  const found = await aws.link.ask("source", null, "autoscaling:DescribeAutoScalingInstances", { InstanceIds: [id] }, signal);
  if (found.kind === "refused") return found;
  const one = found.value.AutoScalingInstances?.find(({ InstanceId }) => InstanceId === id);
  const group = one?.AutoScalingGroupName;
  const state = one?.LifecycleState;
  const ids = withId([], found.requestId);
  if (group === undefined || state === undefined) return { kind: "none", requestIds: ids };
  const described = await aws.link.ask("source", null, "autoscaling:DescribeAutoScalingGroups", { AutoScalingGroupNames: [group] }, signal);
  if (described.kind === "refused") return described;
  const { MinSize: min, MaxSize: max, DesiredCapacity: desired } = described.value.AutoScalingGroups?.find((its) => its.AutoScalingGroupName === group) ?? {};
  // Gone between the two calls: then nobody replaces it.
  if (min === undefined && max === undefined) return { kind: "none", requestIds: withId(ids, described.requestId) };
  if (min === undefined || max === undefined || desired === undefined)
    throw new HoldfastError("unexpected", `${aws.arn}: Auto Scaling group ${group} was described without its sizes`);
  return { kind: "member", group, state, min, max, desired, requestIds: withId(ids, described.requestId) };
}
