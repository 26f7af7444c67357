import type { Opened, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Step } from "../../../src/core/plan.ts";
import type { Window } from "../../../src/core/window.ts";
import { accessEntries } from "./access-entries.ts";
import type { AccessSubject } from "./access-subject.ts";
import { parseAskedLog } from "./asked-logs.ts";
import type { Aws } from "../aws.ts";
import { logArchive } from "../logs/log-archive.ts";
import { endsTooSoon, latenessMs, untilArrived, windowOf } from "../logs/log-window.ts";
import type { Look } from "../look.ts";
import { firstPass, type Pass, secondPass } from "../logs/pass.ts";
import { rank, type Room, stepOf } from "../room.ts";

const room = "access-logs";
const late = "access-logs:late";

/** Who did what: trail files with their digests, the event history, logs that the case names, the credential report. */
export const accessLogsRoom: Room = {
  async plan(aws, look, wish) {
    for (const log of wish.logs) parseAskedLog(log);
    if (wish.kinds !== null && !wish.kinds.includes("access-logs")) return [];
    const common = {
      room,
      does: "exhibit",
      kind: "access-logs",
      calls: [
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:ListPublicKeys",
        "cloudtrail:LookupEvents",
        "iam:GetInstanceProfile",
        "ec2:DescribeFlowLogs",
        "s3:ListObjectVersions",
        "s3:ListObjectsV2",
        "s3:HeadObject",
        "s3:GetObject",
        "s3:GetBucketLocation",
        ...(wish.logs.some((log) => parseAskedLog(log).kind === "bucket") ? (["s3:GetBucketLogging"] as const) : []),
        ...(wish.logs.some((log) => parseAskedLog(log).kind === "balancer") ? (["elasticloadbalancing:DescribeLoadBalancerAttributes"] as const) : []),
        ...(wish.logs.some((log) => parseAskedLog(log).kind === "group") ? (["logs:FilterLogEvents"] as const) : []),
      ],
      input: { window: wish.window, logs: wish.logs, profile: look.instance.IamInstanceProfile?.Arn ?? null, around: aroundOf(look) },
    } as const;
    const first = stepOf({
      ...common,
      calls: [...common.calls, "iam:GenerateCredentialReport", "iam:GetCredentialReport"],
      id: room,
      lane: "logs",
      rank: rank.logs,
      title: "CloudTrail files with their digests, event history, named logs, IAM credential report",
    });
    if (!endsTooSoon(wish.window, aws.slowClock(), latenessMs.trail)) return [first];
    const title = "CloudTrail files, events and named logs that arrive after the first pass";
    return [first, stepOf({ ...common, id: late, lane: "late", rank: rank.late, title, after: [room] })];
  },

  async open(aws, step, at, signal) {
    const window = windowOf(step);
    const subject = parseSubject(step, window);
    if (step.id !== late) return taken(aws, subject, firstPass(), at);
    await untilArrived(aws, window, latenessMs.trail, signal);
    return taken(aws, subject, secondPass(at.earlier(room)), at);
  },
};

function taken(aws: Aws, subject: AccessSubject, pass: Pass, at: StepContext): Opened {
  return logArchive(aws, at, pass, {
    name: room,
    window: subject.window,
    latenessMs: latenessMs.trail,
    remarks: pass.late ? ["digests were validated in the first pass; a later digest vouches for the files of this one"] : [],
    nothing: "no log holds events of the window",
    entries: (reading) => accessEntries(reading, subject),
  });
}

/** Interfaces, subnets and VPC: the flow logs of these are what DeleteFlowLogs is about. */
function aroundOf({ instance }: Look): readonly string[] {
  const faces = (instance.NetworkInterfaces ?? []).flatMap((face) => [face.NetworkInterfaceId, face.SubnetId, face.VpcId]);
  return [...new Set(faces)].filter((id) => id !== undefined);
}

function parseSubject({ id, input }: Step, window: Window): AccessSubject {
  const { logs, profile, around } = input;
  const texts = (value: unknown, field: string): readonly string[] => {
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
    throw new HoldfastError("unexpected", `step ${id}: input.${field} is not a list of texts; it is not a step that this collector planned`);
  };
  if (profile !== null && typeof profile !== "string")
    throw new HoldfastError("unexpected", `step ${id}: input.profile is not a text; it is not a step that this collector planned`);
  return { window, logs: texts(logs, "logs").map(parseAskedLog), profile, around: texts(around, "around") };
}
