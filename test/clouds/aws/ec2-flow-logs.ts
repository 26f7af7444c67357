/** Where flow logs go, and the attacker's hand on them. */
import { described } from "./ec2-described.ts";
import { shownTags } from "./ec2-listing.ts";
import { type Ec2Network, type FlowLog, here } from "./ec2-network-world.ts";
import type { Ec2Operation } from "./ec2-operation.ts";
import type { Ec2World } from "./ec2-world.ts";
import { textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function flowLogOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeFlowLogs: (call) => describeFlowLogs(world, call),
    DeleteFlowLogs: (call) => deleteFlowLogs(world.network, call),
  };
}

function noFlowLog(id: string): AwsRefusal {
  return new AwsRefusal("InvalidFlowLogId.NotFound", `The flow log '${id}' does not exist`);
}

function describeFlowLogs(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.network.flowLogs, call),
    set: "flowLogSet",
    show: shownFlowLog,
    ids: { parameter: "FlowLogId", of: ({ id }) => id, missing: noFlowLog },
    fields: (log) => ({
      "flow-log-id": [log.id],
      "resource-id": [log.resource],
      "traffic-type": [log.traffic],
      "log-destination-type": [log.destination.kind],
      "log-group-name": log.destination.kind === "cloud-watch-logs" ? [log.destination.group] : [],
      "deliver-log-status": [log.delivery.status],
    }),
    tags: ({ tags }) => tags,
    least: 1,
  });
}

const defaultFormat =
  "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

function shownFlowLog(log: FlowLog): XmlObject {
  return {
    flowLogId: log.id,
    flowLogStatus: "ACTIVE",
    creationTime: log.created,
    resourceId: log.resource,
    trafficType: log.traffic,
    ...shownDestination(log),
    logFormat: log.format ?? defaultFormat,
    maxAggregationInterval: log.interval,
    deliverLogsStatus: log.delivery.status,
    deliverLogsErrorMessage: log.delivery.status === "FAILED" ? log.delivery.message : null,
    tagSet: shownTags(log.tags),
  };
}

function shownDestination({ account, region, destination }: FlowLog): XmlObject {
  switch (destination.kind) {
    case "cloud-watch-logs":
      return {
        logDestinationType: destination.kind,
        logDestination: `arn:aws:logs:${region}:${account}:log-group:${destination.group}`,
        logGroupName: destination.group,
        deliverLogsPermissionArn: destination.roleArn,
      };
    case "s3":
      return {
        logDestinationType: destination.kind,
        logDestination: destination.arn,
        destinationOptions: { fileFormat: destination.format, hiveCompatiblePartitions: destination.hive, perHourPartition: destination.perHour },
      };
    case "kinesis-data-firehose":
      return { logDestinationType: destination.kind, logDestination: destination.arn };
    default:
      return destination satisfies never;
  }
}

/** What is not there is told beside those that are gone; the call itself succeeds. */
function deleteFlowLogs(network: Ec2Network, call: Call): () => Reply {
  const ids = textsOf(call.params, "FlowLogId");
  if (ids.length === 0) throw new AwsRefusal("MissingParameter", "The request must contain the parameter FlowLogId");
  const mine = here(network.flowLogs, call);
  const missing = ids.filter((id) => !mine.some((log) => log.id === id));
  return () => {
    for (const log of mine) if (ids.includes(log.id)) network.flowLogs.splice(network.flowLogs.indexOf(log), 1);
    const item = missing.map((id) => ({ resourceId: id, error: { code: "InvalidFlowLogId.NotFound", message: noFlowLog(id).message } }));
    return { xml: { unsuccessful: { item } } };
  };
}
