/** The life of a command between the service and the agent: picked up, run, ended, given up or cancelled. */
import { endingOf, type Ending, type Invocation, type SsmCommand, type SsmWorld } from "./ssm-world.ts";

/** Starts by itself after `pickUpMs`: a command runs whether anybody asks for it or not. */
export function dispatch(world: SsmWorld, command: SsmCommand): void {
  for (const invocation of command.invocations) setTimeout(() => pickUp(world, command, invocation), world.pickUpMs).unref();
}

function pickUp(world: SsmWorld, command: SsmCommand, invocation: Invocation): void {
  const { instance } = invocation;
  if (invocation.stage.kind !== "pending") return;
  if (instance.ping !== "Online" || instance.pickUp === "never") {
    // It may come back before the delivery is given up.
    setTimeout(() => pickUp(world, command, invocation), Math.max(world.pickUpMs, 20)).unref();
    return;
  }
  const from = world.clock();
  if (instance.pickUp === "fail") {
    const how: Ending = { status: "Failed", details: "Failed", code: 1, stdout: "", stderr: "failed to create the working directory of the document" };
    invocation.stage = { kind: "ended", from, at: from, how };
    return;
  }
  const script = instance.machine.run({
    document: command.document,
    script: (command.parameters["commands"] ?? []).join("\n"),
    directory: command.parameters["workingDirectory"]?.[0] || null,
    environment: { AWS_SSM_INSTANCE_ID: instance.instanceId, AWS_SSM_REGION_NAME: instance.region, AWS_SSM_PLATFORM_NAME: instance.platformName },
  });
  invocation.stage = { kind: "running", from, script };
  void script.ended.then((end) => {
    const { stage } = invocation;
    const at = world.clock();
    if (stage.kind === "running") invocation.stage = { kind: "ended", from, at, how: endingOf(end, script) };
    else if (stage.kind === "cancelling") invocation.stage = { kind: "ended", from, at, how: givenUp("Cancelled", "Cancelled", script) };
  });
}

function givenUp(status: Ending["status"], details: string, script: { stdout(): string; stderr(): string } | null): Ending {
  return { status, details, code: -1, stdout: script?.stdout() ?? "", stderr: script?.stderr() ?? "" };
}

/** Time-outs are decided when somebody looks, so that a test moves them with its clock. */
export function settle(command: SsmCommand, now: Date): void {
  for (const invocation of command.invocations) {
    const { stage } = invocation;
    const since = (from: Date): number => (now.getTime() - from.getTime()) / 1000;
    if (stage.kind === "pending" && since(command.requested) > command.deliverySeconds)
      invocation.stage = { kind: "ended", from: null, at: now, how: givenUp("TimedOut", "DeliveryTimedOut", null) };
    else if (stage.kind === "running" && since(stage.from) > command.executionSeconds) {
      stage.script.kill();
      invocation.stage = { kind: "ended", from: stage.from, at: now, how: givenUp("TimedOut", "ExecutionTimedOut", stage.script) };
    } else if (stage.kind === "orphaned" && since(stage.from) > command.executionSeconds)
      invocation.stage = { kind: "ended", from: stage.from, at: now, how: givenUp("TimedOut", "ExecutionTimedOut", null) };
  }
}

/** A command that has ended stays as it is: AWS says yes and changes nothing. */
export function cancel(invocation: Invocation, now: Date): void {
  const { stage } = invocation;
  if (stage.kind === "pending") invocation.stage = { kind: "ended", from: null, at: now, how: givenUp("Cancelled", "Cancelled", null) };
  else if (stage.kind === "orphaned") invocation.stage = { kind: "cancelling", from: stage.from };
  else if (stage.kind === "running") {
    invocation.stage = { kind: "cancelling", from: stage.from };
    stage.script.kill();
  }
}

export type ShownStatus = "Pending" | "InProgress" | "Cancelling" | Ending["status"];

export function shownStatus(invocation: Invocation): { readonly status: ShownStatus; readonly details: string } {
  const { stage } = invocation;
  switch (stage.kind) {
    case "pending":
      return { status: "Pending", details: "Pending" };
    case "running":
    case "orphaned":
      return { status: "InProgress", details: "InProgress" };
    case "cancelling":
      return { status: "Cancelling", details: "Cancelling" };
    case "ended":
      return stage.how;
    default:
      return stage satisfies never;
  }
}
