/**
 * Systems Manager, as far as a command is sent to an instance and watched. What it sends is really run by the instance's machine
 * (machine.ts); see ssm-run.ts for the life of a command, ssm-show.ts for how it is listed.
 */
import { itemsOf, numberOf, partOf, requiredText, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Params, type Reply, type Service, Unknown } from "./service.ts";
import { getInventory } from "./ssm-inventory.ts";
import { cancel, dispatch } from "./ssm-run.ts";
import { getCommandInvocation, listCommandInvocations, listCommands, shownCommand } from "./ssm-show.ts";
import { type DocumentName, type ManagedInstance, newCommandId, type SsmCommand, type SsmWorld } from "./ssm-world.ts";

/** Errors for which SSM's model has no member that holds a sentence, though the service sends one. */
const withoutSentence: ReadonlySet<string> = new Set([
  "DuplicateInstanceId",
  "InvalidCommandId",
  "InvalidFilterKey",
  "InvalidPluginName",
  "InvocationDoesNotExist",
  "SerializationException",
  "ValidationException",
]);

export function ssmService(world: SsmWorld): Service {
  return {
    name: "ssm",
    protocol: "json",
    targetPrefix: "AmazonSSM",
    messageName: (code) => (withoutSentence.has(code) ? "message" : "Message"),
    operations: {
      DescribeInstanceInformation: (call) => describeInstanceInformation(world, call),
      GetInventory: (call) => getInventory(world, call),
      SendCommand: (call) => sendCommand(world, call),
      CancelCommand: (call) => cancelCommand(world, call),
      GetCommandInvocation: (call) => getCommandInvocation(world, call),
      ListCommands: (call) => listCommands(world, call),
      ListCommandInvocations: (call) => listCommandInvocations(world, call),
    },
  };
}

function describeInstanceInformation(world: SsmWorld, call: Call): Reply {
  const filters = [...itemsOf(call.params, "Filters"), ...itemsOf(call.params, "InstanceInformationFilterList")];
  const fits = (instance: ManagedInstance): boolean => filters.every((filter) => values(filter).includes(filtered(instance, filterKey(filter))));
  for (const filter of filters) filteredKeys(filterKey(filter));
  const here = world.instances.filter((instance) => instance.account === call.account && instance.region === call.region && fits(instance));
  const bad = (): AwsRefusal => new AwsRefusal("InvalidNextToken", "The specified token is not valid.");
  const { items, next } = pageOf(() => here, {
    size: numberOf(call.params, "MaxResults") ?? 10,
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad,
  });
  return {
    json: {
      InstanceInformationList: items.map((instance) => ({
        InstanceId: instance.instanceId,
        PingStatus: instance.ping,
        // An agent that is heard says so every five minutes; one that was lost was heard before that.
        LastPingDateTime: call.now.getTime() / 1000 - (instance.ping === "Online" ? 30 : 900),
        AgentVersion: instance.agentVersion,
        IsLatestVersion: true,
        PlatformType: instance.platform,
        PlatformName: instance.platformName,
        PlatformVersion: instance.platformVersion,
        ResourceType: "EC2Instance",
        IPAddress: "10.0.0.10",
        ComputerName: `${instance.instanceId}.internal`,
        SourceId: instance.instanceId,
        SourceType: "AWS::EC2::Instance",
      })),
      ...(next === null ? {} : { NextToken: next }),
    },
  };
}

function filterKey(filter: Params): string {
  return textOf(filter, "Key") ?? textOf(filter, "key") ?? "";
}

function values(filter: Params): readonly string[] {
  return [...textsOf(filter, "Values"), ...textsOf(filter, "valueSet")];
}

function filteredKeys(key: string): void {
  if (["InstanceIds", "PingStatus", "PlatformTypes", "AgentVersion", "ResourceType"].includes(key)) return;
  throw new AwsRefusal("InvalidFilterKey", `The specified key is not valid: ${key}`);
}

function filtered(instance: ManagedInstance, key: string): string {
  const fields: Readonly<Record<string, string>> = {
    InstanceIds: instance.instanceId,
    PingStatus: instance.ping,
    PlatformTypes: instance.platform,
    AgentVersion: instance.agentVersion,
    ResourceType: "EC2Instance",
  };
  return fields[key] ?? "";
}

/** The size limit of a document with its parameters: the reference gives 64 KB for documents; assumed for the whole (LIES.md). */
const maxParameterBytes = 65_536;
const executionTimeout = /^([1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[0-1][0-9]{3}|172[0-7][0-9]{2}|172800)$/;

function sendCommand(world: SsmWorld, call: Call): Reply {
  const { params } = call;
  for (const name of ["Targets", "OutputS3BucketName", "CloudWatchOutputConfig", "NotificationConfig", "ServiceRoleArn", "AlarmConfiguration"])
    if (params[name] !== undefined) throw new Unknown(`ssm:SendCommand with ${name}`);
  const document = documentOf(requiredText(params, "DocumentName"));
  const version = textOf(params, "DocumentVersion") ?? "$DEFAULT";
  if (!/^([$](LATEST|DEFAULT)|1)$/.test(version)) throw new AwsRefusal("InvalidDocumentVersion", "The document version is not valid or does not exist.");
  const ids = textsOf(params, "InstanceIds");
  if (ids.length === 0) throw new AwsRefusal("InvalidInstanceId", "InstanceIds or Targets must be given");
  if (new Set(ids).size !== ids.length) throw new AwsRefusal("DuplicateInstanceId", "You can't specify a managed node ID in more than one association.");
  const instances = ids.map((id) => {
    const found = world.instances.find((one) => one.instanceId === id && one.account === call.account && one.region === call.region);
    if (found === undefined) throw new AwsRefusal("InvalidInstanceId", `Instances [[${id}]] not in a valid state for account ${call.account}`);
    const wanted = document === "AWS-RunShellScript" ? "Linux" : "Windows";
    if (found.platform !== wanted) throw new AwsRefusal("UnsupportedPlatformType", `Document ${document} does not support platform ${found.platform}`);
    return found;
  });
  const parameters = parametersOf(partOf(params, "Parameters") ?? {});
  const deliverySeconds = numberOf(params, "TimeoutSeconds") ?? 3600;
  if (!(deliverySeconds >= 30 && deliverySeconds <= 2_592_000)) throw new AwsRefusal("ValidationException", "timeoutSeconds must be between 30 and 2592000");
  const comment = textOf(params, "Comment") ?? "";
  if (comment.length > 100) throw new AwsRefusal("ValidationException", "comment must have length less than or equal to 100");
  const command: SsmCommand = {
    id: newCommandId(),
    account: call.account,
    region: call.region,
    document,
    version,
    comment,
    parameters,
    requested: call.now,
    deliverySeconds,
    executionSeconds: Number(parameters["executionTimeout"]?.[0] ?? 3600),
    invocations: instances.map((instance) => ({ instance, stage: { kind: "pending" }, missing: world.missingAtFirst })),
  };
  world.commands.push(command);
  dispatch(world, command);
  return { json: { Command: shownCommand(command) } };
}

function documentOf(name: string): DocumentName {
  const bare = name.replace(/^arn:aws:ssm:[a-z0-9-]*:\d*:document\//, "");
  if (bare === "AWS-RunShellScript" || bare === "AWS-RunPowerShellScript") return bare;
  throw new AwsRefusal("InvalidDocument", `Document with name ${name} does not exist.`);
}

function parametersOf(given: Params): Readonly<Record<string, readonly string[]>> {
  const bad = (message: string): AwsRefusal => new AwsRefusal("InvalidParameters", message);
  const parameters: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!["commands", "workingDirectory", "executionTimeout"].includes(name)) throw bad(`Parameter "${name}" is not defined in the document.`);
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string"))
      throw new AwsRefusal("SerializationException", `${name} is not a list of strings`);
    if (name !== "commands" && value.length !== 1) throw bad(`Parameter "${name}" is a String: exactly one value is allowed.`);
    parameters[name] = value;
  }
  if (parameters["commands"] === undefined || parameters["commands"].length === 0) throw bad('Parameter "commands" requires argument values.');
  const timeout = parameters["executionTimeout"]?.[0];
  if (timeout !== undefined && !executionTimeout.test(timeout)) throw bad(`Parameter "executionTimeout" has value "${timeout}" not matching its pattern.`);
  if (Buffer.byteLength(JSON.stringify(parameters)) > maxParameterBytes)
    throw new AwsRefusal("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.");
  return parameters;
}

function cancelCommand(world: SsmWorld, call: Call): Reply {
  const id = requiredText(call.params, "CommandId");
  const command = world.commands.find((one) => one.id === id && one.account === call.account && one.region === call.region);
  if (command === undefined) throw new AwsRefusal("InvalidCommandId", "The specified command ID is not valid.");
  const ids = textsOf(call.params, "InstanceIds");
  for (const instanceId of ids)
    if (!command.invocations.some(({ instance }) => instance.instanceId === instanceId))
      throw new AwsRefusal("InvalidInstanceId", `Not an instance of this command: ${instanceId}`);
  for (const invocation of command.invocations) if (ids.length === 0 || ids.includes(invocation.instance.instanceId)) cancel(invocation, call.now);
  return { json: {} };
}
