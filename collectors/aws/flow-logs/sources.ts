import { printable } from "../../../src/core/printable.ts";
import type { Window } from "../../../src/core/window.ts";
import type { Lines } from "../../../src/stream/archive.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry, settingsLines } from "../logs/answer-entry.ts";
import type { Output } from "../client/link.ts";
import { pageMember } from "../logs/log-names.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";
import { eachPage } from "../client/pages.ts";

export type FlowLog = NonNullable<Output<"ec2:DescribeFlowLogs">["FlowLogs"]>[number];

/** An interface with what lies around it: a flow log of any of the three records it. */
export type FlowPlace = { readonly interface: string; readonly subnet: string; readonly vpc: string };

/** The flow logs that record any of the places, with the answers as members. Null where they may not be asked for. */
export async function* describeFlowLogs({ aws, lines, signal }: LogReading, places: readonly FlowPlace[]): AsyncGenerator<TarEntry, readonly FlowLog[] | null> {
  const call = "ec2:DescribeFlowLogs";
  const resources = [...new Set(places.flatMap((place) => [place.interface, place.subnet, place.vpc]))];
  const found: FlowLog[] = [];
  const asked = { Filter: [{ Name: "resource-id", Values: resources }], MaxResults: 1000 };
  let page = 0;
  for await (const answer of eachPage(call, (from) => aws.link.ask("source", null, call, { ...asked, ...from }, signal, { keepWire: true }))) {
    page += 1;
    if (answer.kind === "refused") {
      lines.add(refusedLine("flow log settings", answer));
      return found.length === 0 ? null : found;
    }
    // Settings are no records of flows: where there is nothing else, the exhibit has none.
    const entry = answerEntry(aws.clock, settingsLines(lines), answer, {
      member: pageMember(["ec2", "DescribeFlowLogs"], page, "xml"),
      call,
      path: `flow log settings page ${page}`,
    });
    yield entry;
    found.push(...(answer.value.FlowLogs ?? []));
  }
  return found;
}

/** What the settings themselves leave out of the window, said before anything is read. */
export function sayWhatIsOff(lines: Lines, places: readonly FlowPlace[], logs: readonly FlowLog[], window: Window): void {
  for (const place of places) {
    const around = [place.interface, place.subnet, place.vpc];
    const recording = logs.filter(({ ResourceId: id }) => id !== undefined && around.includes(id));
    if (recording.length === 0) {
      lines.add(
        off(`flows of ${place.interface}`, `no flow log is configured for interface ${place.interface}, its subnet ${place.subnet} or its VPC ${place.vpc}`),
      );
      continue;
    }
    // An old flow log of one kind of traffic says nothing of the other: each has a begin of its own.
    const [accepted, rejected] = [begunFor(recording, "ACCEPT"), begunFor(recording, "REJECT")];
    const kinds =
      accepted === rejected
        ? ([["", accepted]] as const)
        : ([
            ["accepted ", accepted],
            ["rejected ", rejected],
          ] as const);
    const traffic = new Set(recording.map(({ TrafficType: kind }) => kind));
    for (const [kind, begun] of kinds) {
      if (begun === null) lines.add(off(`${kind}flows of ${place.interface}`, `its flow logs record ${[...traffic].join(", ")} only`));
      else if (begun > Date.parse(window.since)) {
        const until = new Date(Math.min(begun, Date.parse(window.until))).toISOString();
        lines.add(
          off(
            `${kind}flows of ${place.interface} from ${window.since} to ${until}`,
            `the oldest flow log of them was made at ${new Date(begun).toISOString()}`,
          ),
        );
      }
    }
  }
  for (const log of logs) {
    const { FlowLogId: id = "a flow log without id", FlowLogStatus: status, DeliverLogsErrorMessage: error, DeliverLogsStatus: delivery } = log;
    const missing = log.LogFormat === undefined ? [] : missingFields(log.LogFormat);
    if (missing.length > 0) lines.add(off(`${missing.join(", ")} of ${id}`, "the format that it was given leaves them out"));
    if (status !== "ACTIVE")
      lines.add(lackLine(`deliveries of ${id}`, "api:ec2:DescribeFlowLogs", "unavailable", `its status is ${printable(status ?? "unknown")}, not ACTIVE`));
    if (delivery === "FAILED" || error !== undefined)
      lines.add(
        lackLine(`deliveries of ${id}`, "api:ec2:DescribeFlowLogs", "unavailable", `its delivery fails: ${printable(error ?? "EC2 does not say why")}`),
      );
  }
}

/** Since when flows of this kind are recorded, in milliseconds; null where they are not. */
function begunFor(logs: readonly FlowLog[], traffic: "ACCEPT" | "REJECT"): number | null {
  const those = logs.filter(({ TrafficType: kind }) => kind === "ALL" || kind === traffic);
  return those.length === 0 ? null : Math.min(...those.map(({ CreationTime: at }) => at?.getTime() ?? 0));
}

/** Without these a record does not say who spoke with whom, when, and whether it was let through. */
const needed = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "start", "action"];

/** The fields that a format of one's own leaves out: a flow log may be active, deliver, and say nothing. */
function missingFields(format: string): readonly string[] {
  const fields = new Set([...format.matchAll(/\$\{([a-z0-9-]+)\}/g)].map(([, field]) => field));
  return needed.filter((field) => !fields.has(field) && !fields.has(`pkt-${field}`));
}

function off(path: string, reason: string): ReturnType<typeof lackLine> {
  return lackLine(path, "api:ec2:DescribeFlowLogs", "source-disabled", reason);
}
