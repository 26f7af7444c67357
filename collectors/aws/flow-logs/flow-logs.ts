import type { Opened, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { Aws } from "../aws.ts";
import { flowObjects, intervalMs } from "./objects.ts";
import { describeFlowLogs, type FlowLog, type FlowPlace, sayWhatIsOff } from "./sources.ts";
import { logEvents } from "../logs/log-events.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { settingsLines } from "../logs/answer-entry.ts";
import { lackLine } from "../logs/lack-line.ts";
import { logArchive } from "../logs/log-archive.ts";
import { endsTooSoon, latenessMs, untilArrived, windowOf } from "../logs/log-window.ts";
import type { Look } from "../look.ts";
import { firstPass, type Pass, secondPass } from "../logs/pass.ts";
import { lookForTampering } from "../access-logs/tampering.ts";
import { flowLogSigns } from "../access-logs/tampering-signs.ts";
import { rank, type Room, stepOf } from "../room.ts";

const room = "flow-logs";
const late = "flow-logs:late";

/** VPC flow logs of every interface of the instance, its subnet and its VPC, from S3 and CloudWatch Logs. */
export const flowLogsRoom: Room = {
  async plan(aws, look, wish) {
    if (wish.kinds !== null && !wish.kinds.includes("flow-logs")) return [];
    const common = {
      room,
      does: "exhibit",
      kind: "flow-logs",
      calls: [
        "ec2:DescribeFlowLogs",
        "s3:ListObjectVersions",
        "s3:ListObjectsV2",
        "s3:HeadObject",
        "s3:GetObject",
        "logs:FilterLogEvents",
        "cloudtrail:LookupEvents",
      ],
      input: { window: wish.window, places: placesOf(look).map((place) => ({ ...place })) },
    } as const;
    const first = stepOf({ ...common, id: room, lane: "logs", rank: rank.logs, title: "VPC flow logs of its interfaces, their subnets and VPC" });
    if (!endsTooSoon(wish.window, aws.slowClock(), latenessMs.flow)) return [first];
    const title = "VPC flow logs that arrive after the first pass";
    return [first, stepOf({ ...common, id: late, lane: "late", rank: rank.late, title, after: [room] })];
  },

  async open(aws, step, at, signal) {
    const window = windowOf(step);
    const places = parsePlaces(step);
    if (places.length === 0)
      return {
        kind: "none",
        outcome: "unavailable",
        detail: "the instance shows no network interface (a terminated one has none): which flow logs are its own is not known",
      };
    if (step.id !== late) return taken(aws, places, window, firstPass(), at);
    await untilArrived(aws, window, latenessMs.flow, signal);
    return taken(aws, places, window, secondPass(at.earlier(room)), at);
  },
};

function taken(aws: Aws, places: readonly FlowPlace[], window: Window, pass: Pass, at: StepContext): Opened {
  return logArchive(aws, at, pass, {
    name: room,
    window,
    latenessMs: latenessMs.flow,
    remarks: [],
    nothing: "no flow log holds records of the window",
    entries: (reading) => flowEntries(reading, places, window),
  });
}

async function* flowEntries(reading: LogReading, places: readonly FlowPlace[], window: Window): AsyncGenerator<TarEntry, number> {
  const { aws, lines } = reading;
  const logs = yield* describeFlowLogs(reading, places);
  if (logs !== null) sayWhatIsOff(lines, places, logs, window);
  let answered = 0;
  for (const log of logs ?? []) if (yield* readLog(reading, places, log, window)) answered += 1;
  // Whether the settings themselves were worked on is asked of the event history: its answers are no records of flows.
  const around = new Set(places.flatMap((place) => [place.interface, place.subnet, place.vpc]));
  const question = { signs: flowLogSigns, regions: [aws.instance.region], window, concerned: { "flow-log": around } };
  yield* lookForTampering({ ...reading, lines: settingsLines(lines) }, question);
  return answered;
}

/** True at its end where the destination answered. */
async function* readLog(reading: LogReading, places: readonly FlowPlace[], log: FlowLog, window: Window): AsyncGenerator<TarEntry, boolean> {
  const { lines } = reading;
  const { FlowLogId: id = "", LogDestinationType: kind = "cloud-watch-logs", LogDestination: destination, LogGroupName: group } = log;
  switch (kind) {
    case "s3":
      return yield* flowObjects(reading, log, window);
    case "cloud-watch-logs": {
      const name = group ?? /:log-group:([^:]+)/.exec(destination ?? "")?.[1];
      if (name === undefined) {
        lines.add(lackLine(`records of ${id}`, "api:ec2:DescribeFlowLogs", "failed", "EC2 does not say which log group it goes to"));
        return false;
      }
      // An event has the time at which its record begins.
      const since = new Date(Date.parse(window.since) - intervalMs(log)).toISOString();
      let answered = false;
      for (const streams of new Set(places.map((place) => place.interface)))
        if (yield* logEvents(reading, { group: name, region: null, streams, window: { since, until: window.until } })) answered = true;
      return answered;
    }
    default:
      lines.add(
        lackLine(
          `records of ${id}`,
          "api:ec2:DescribeFlowLogs",
          "unavailable",
          `delivered to ${printable(destination ?? kind)} (${printable(kind)}), which is not read`,
        ),
      );
      return false;
  }
}

function placesOf({ instance }: Look): readonly FlowPlace[] {
  return (instance.NetworkInterfaces ?? []).flatMap(({ NetworkInterfaceId: id, SubnetId: subnet, VpcId: vpc }) =>
    id === undefined || subnet === undefined || vpc === undefined ? [] : [{ interface: id, subnet, vpc }],
  );
}

function parsePlaces({ id, input }: Step): readonly FlowPlace[] {
  const places = input["places"];
  if (!Array.isArray(places)) throw new HoldfastError("unexpected", `step ${id}: input.places is not a list; it is not a step that this collector planned`);
  return places.map((place: unknown, at) => {
    const texts = (["interface", "subnet", "vpc"] as const).map((name) => {
      const value: unknown = typeof place === "object" && place !== null ? Reflect.get(place, name) : undefined;
      if (typeof value !== "string")
        throw new HoldfastError("unexpected", `step ${id}: input.places[${at}].${name} is not a text; it is not a step that this collector planned`);
      return value;
    });
    const [one = "", subnet = "", vpc = ""] = texts;
    return { interface: one, subnet, vpc };
  });
}
