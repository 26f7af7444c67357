import { flagOf, itemsOf, numberOf, requiredText, textOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Params, type Reply } from "./service.ts";
import { settle, shownStatus } from "./ssm-run.ts";
import type { Invocation, SsmCommand, SsmWorld } from "./ssm-world.ts";

/** What the service keeps of an output, in characters (facts/aws §2.2). */
const shown = { stdout: 24_000, stderr: 8000, plugin: 2500 };

function pluginName(command: SsmCommand): string {
  return command.document === "AWS-RunShellScript" ? "aws:runShellScript" : "aws:runPowerShellScript";
}

export function getCommandInvocation(world: SsmWorld, call: Call): Reply {
  const id = requiredText(call.params, "CommandId");
  const instanceId = requiredText(call.params, "InstanceId");
  const command = mine(world, call).find((one) => one.id === id);
  const invocation = command?.invocations.find(({ instance }) => instance.instanceId === instanceId);
  if (command === undefined || invocation === undefined || notYet(invocation))
    throw new AwsRefusal("InvocationDoesNotExist", "An error occurred (InvocationDoesNotExist)");
  const plugin = textOf(call.params, "PluginName");
  if (plugin !== null && plugin !== pluginName(command)) throw new AwsRefusal("InvalidPluginName", "The plugin name is not valid.");
  settle(command, call.now);
  const { stage } = invocation;
  const { status, details } = shownStatus(invocation);
  const how = stage.kind === "ended" ? stage.how : null;
  const from = stage.kind === "pending" ? null : stage.from;
  return {
    json: {
      CommandId: command.id,
      InstanceId: instanceId,
      Comment: command.comment,
      DocumentName: command.document,
      DocumentVersion: command.version,
      PluginName: pluginName(command),
      ResponseCode: how?.code ?? -1,
      ...(from === null ? {} : { ExecutionStartDateTime: wholeSeconds(from) }),
      ...(stage.kind === "ended" && from !== null ? { ExecutionEndDateTime: wholeSeconds(stage.at) } : {}),
      Status: status,
      StatusDetails: details,
      StandardOutputContent: (how?.stdout ?? "").slice(0, shown.stdout),
      StandardOutputUrl: "",
      StandardErrorContent: (how?.stderr ?? "").slice(0, shown.stderr),
      StandardErrorUrl: "",
    },
  };
}

/** The reference's own pattern of such a date knows one digit of a second's fraction at most. */
function wholeSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function notYet(invocation: Invocation): boolean {
  if (invocation.missing === 0) return false;
  invocation.missing -= 1;
  return true;
}

export function listCommands(world: SsmWorld, call: Call): Reply {
  const { items, next } = pageOf(() => chosen(world, call), paging(call));
  return { json: { Commands: items.map(shownCommand), ...(next === null ? {} : { NextToken: next }) } };
}

export function listCommandInvocations(world: SsmWorld, call: Call): Reply {
  const details = flagOf(call.params, "Details") === true;
  const instanceId = textOf(call.params, "InstanceId");
  const { items, next } = pageOf(
    () =>
      chosen(world, call).flatMap((command) =>
        command.invocations.filter(({ instance }) => instanceId === null || instance.instanceId === instanceId).map((invocation) => ({ command, invocation })),
      ),
    paging(call),
  );
  const seen = items.filter(({ invocation }) => !notYet(invocation));
  return {
    json: {
      CommandInvocations: seen.map(({ command, invocation }) => shownInvocation(command, invocation, details)),
      ...(next === null ? {} : { NextToken: next }),
    },
  };
}

function shownInvocation(command: SsmCommand, invocation: Invocation, details: boolean): unknown {
  const { status, details: statusDetails } = shownStatus(invocation);
  const { stage } = invocation;
  const how = stage.kind === "ended" ? stage.how : null;
  const plugin = {
    Name: pluginName(command),
    Status: status === "Cancelling" ? "InProgress" : status,
    StatusDetails: statusDetails,
    ResponseCode: how?.code ?? -1,
    ...(stage.kind === "pending" || stage.from === null ? {} : { ResponseStartDateTime: seconds(stage.from) }),
    ...(stage.kind === "ended" ? { ResponseFinishDateTime: seconds(stage.at) } : {}),
    Output: how === null ? "" : (how.stderr === "" ? how.stdout : `${how.stdout}\n----------ERROR-------\n${how.stderr}`).slice(0, shown.plugin),
    StandardOutputUrl: "",
    StandardErrorUrl: "",
  };
  return {
    CommandId: command.id,
    InstanceId: invocation.instance.instanceId,
    InstanceName: "",
    Comment: command.comment,
    DocumentName: command.document,
    DocumentVersion: command.version,
    RequestedDateTime: seconds(command.requested),
    Status: status,
    StatusDetails: statusDetails,
    StandardOutputUrl: "",
    StandardErrorUrl: "",
    CommandPlugins: details ? [plugin] : [],
    ServiceRole: "",
  };
}

export function shownCommand(command: SsmCommand): unknown {
  const all = command.invocations.map(shownStatus);
  const count = (...statuses: readonly string[]): number => all.filter(({ status }) => statuses.includes(status)).length;
  const ended = count("Success", "Failed", "TimedOut", "Cancelled");
  const worst = ["Failed", "TimedOut", "Cancelled", "Success"].find((status) => count(status) > 0) ?? "Success";
  const open = all.some(({ status }) => status !== "Pending") ? (count("Cancelling") > 0 ? "Cancelling" : "InProgress") : "Pending";
  const status = ended === all.length ? worst : open;
  return {
    CommandId: command.id,
    DocumentName: command.document,
    DocumentVersion: command.version,
    Comment: command.comment,
    ExpiresAfter: seconds(command.requested) + command.deliverySeconds + command.executionSeconds,
    Parameters: command.parameters,
    InstanceIds: command.invocations.map(({ instance }) => instance.instanceId),
    Targets: [],
    RequestedDateTime: seconds(command.requested),
    Status: status,
    StatusDetails: all.find((one) => one.status === status)?.details ?? status,
    MaxConcurrency: "50",
    MaxErrors: "0",
    TargetCount: all.length,
    CompletedCount: ended,
    ErrorCount: count("Failed"),
    DeliveryTimedOutCount: all.filter(({ details }) => details === "DeliveryTimedOut").length,
    ServiceRole: "",
    TimeoutSeconds: command.deliverySeconds,
  };
}

/** Newest first, as the console shows them; filtered as asked. */
function chosen(world: SsmWorld, call: Call): readonly SsmCommand[] {
  const id = textOf(call.params, "CommandId");
  const instanceId = textOf(call.params, "InstanceId");
  const filters = itemsOf(call.params, "Filters");
  const found = mine(world, call).filter(
    (command) => (id === null || command.id === id) && (instanceId === null || command.invocations.some(({ instance }) => instance.instanceId === instanceId)),
  );
  for (const command of found) settle(command, call.now);
  return found.filter((command) => filters.every((filter) => passes(command, filter))).reverse();
}

function passes(command: SsmCommand, filter: Params): boolean {
  const key = requiredText(filter, "key");
  const value = requiredText(filter, "value");
  switch (key) {
    case "InvokedAfter":
      return command.requested.getTime() >= Date.parse(value);
    case "InvokedBefore":
      return command.requested.getTime() < Date.parse(value);
    case "Status":
      return command.invocations.some((invocation) => shownStatus(invocation).status === value);
    case "DocumentName":
      return command.document === value;
    default:
      throw new AwsRefusal("InvalidFilterKey", `The specified key is not valid: ${key}`);
  }
}

function mine(world: SsmWorld, call: Call): readonly SsmCommand[] {
  return world.commands.filter((command) => command.account === call.account && command.region === call.region);
}

function paging(call: Call): Parameters<typeof pageOf>[1] {
  return {
    size: numberOf(call.params, "MaxResults") ?? 50,
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidNextToken", "The specified token is not valid."),
  };
}

function seconds(date: Date): number {
  return date.getTime() / 1000;
}
