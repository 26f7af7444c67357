import { createHash } from "node:crypto";
import type { Window } from "../../src/core/window.ts";
import { madeEntry } from "../../src/stream/archive.ts";
import type { TarEntry } from "../../src/stream/tar.ts";
import { balancerLogs, serverAccessLogs } from "./asked-buckets.ts";
import type { AskedLog } from "./asked-logs.ts";
import { credentialReport } from "./credential-report.ts";
import type { DigestKey } from "./digest-keys.ts";
import { digestSpan } from "./digest-chain.ts";
import { logEvents } from "./log-events.ts";
import type { LogReading } from "./log-reading.ts";
import { lackLine, refusedLine } from "./log-refusal.ts";
import { lookupEvents } from "./lookup-events.ts";
import { packedLines } from "./packed-lines.ts";
import { publicKeys } from "./public-keys.ts";
import { type Concerned, lookForTampering } from "./tampering.ts";
import { tamperingSigns } from "./tampering-signs.ts";
import { checkTrail, trailFiles } from "./trail-files.ts";
import { describeTrails, foldersOf, type TrailFacts, type TrailFolder } from "./trails.ts";

export type AccessSubject = {
  readonly window: Window;
  readonly logs: readonly AskedLog[];
  /** ARN of the instance profile. */
  readonly profile: string | null;
  /** Its interfaces, subnets and VPC. */
  readonly around: readonly string[];
};

/** What an attacker can still delete comes first, the event history (90 days, nobody can shorten it) last. The number of sources that answered. */
export async function* accessEntries(reading: LogReading, subject: AccessSubject): AsyncGenerator<TarEntry, number> {
  const trails = yield* describeTrails(reading);
  let answered = yield* trailEntries(reading, trails ?? [], subject.window);
  for (const log of subject.logs) if (yield* askedEntries(reading, log, subject.window)) answered += 1;
  if (!reading.pass.late) yield* credentialReport(reading);
  return answered + (yield* historyEntries(reading, subject, trails ?? []));
}

async function* trailEntries(reading: LogReading, trails: readonly TrailFacts[], window: Window): AsyncGenerator<TarEntry, number> {
  const { aws, lines, pass } = reading;
  const keys = new Map<string, readonly DigestKey[]>();
  const report = packedLines();
  let answered = 0;
  const folders: TrailFolder[] = [];
  for (const trail of trails) folders.push(...(await foldersOf(reading, trail)));
  for (const folder of folders) {
    const files = yield* trailFiles(reading, folder, window);
    if (files.listed) answered += 1;
    if (!folder.trail.validated || pass.late) continue;
    const { fromMs, untilMs } = digestSpan(window);
    const span = { since: new Date(fromMs).toISOString(), until: new Date(untilMs).toISOString() };
    const known = keys.get(folder.region) ?? (yield* publicKeys(reading, folder.region, span));
    keys.set(folder.region, known);
    // Files of two trails in one folder cannot be told apart by their names.
    const alone =
      folders.filter(({ trail, base, region }) => trail.bucket === folder.trail.bucket && base === folder.base && region === folder.region).length === 1;
    await checkTrail(reading, files, known, alone, report);
  }
  if (report.size > 0) {
    const member = "derived/cloudtrail-digest-report.jsonl";
    const hash = createHash("sha256");
    for await (const chunk of report.bytes()) hash.update(chunk);
    const made = { path: "digest chains", member, type: "report", source: "derived:cloudtrail digests", size: String(report.size), sha256: hash.digest("hex") };
    lines.add({ ...made, outcome: "collected", reason: null });
    yield madeEntry(member, report.size, report.bytes(), aws.clock);
  }
  return answered;
}

async function* askedEntries(reading: LogReading, log: AskedLog, window: Window): AsyncGenerator<TarEntry, boolean> {
  switch (log.kind) {
    case "bucket":
      return yield* serverAccessLogs(reading, log, window);
    case "balancer":
      return yield* balancerLogs(reading, log, window);
    case "group": {
      const own = log.arn.split(":")[4] === reading.aws.account;
      return yield* logEvents(reading, { group: own ? log.group : log.arn, region: log.region, streams: null, window });
    }
    default:
      return log satisfies never;
  }
}

/** Events on the instance, by its role's sessions, and signs that somebody worked on the logs. */
async function* historyEntries(reading: LogReading, subject: AccessSubject, trails: readonly TrailFacts[]): AsyncGenerator<TarEntry, number> {
  const { aws } = reading;
  const { window } = subject;
  const here = aws.instance.region;
  const home = globalRegion(aws.instance.partition);
  const { instance } = aws.instance;
  // A session that EC2 gives an instance is named after it.
  const questions = [
    { region: here, key: "ResourceName", value: instance },
    { region: here, key: "Username", value: instance },
    ...(home === here ? [] : [{ region: home, key: "Username", value: instance } as const]),
    ...(await roleNames(reading, subject.profile)).map((value) => ({ region: home, key: "ResourceName", value }) as const),
  ] as const;
  let answered = 0;
  for (const question of questions) if (yield* lookupEvents(reading, { ...question, window })) answered += 1;
  const regions = [...new Set([here, home, ...trails.map((trail) => trail.home)])];
  yield* lookForTampering(reading, { signs: tamperingSigns, regions, window, concerned: await concernedOf(reading, subject, trails) });
  return answered;
}

/** Where IAM, STS and other services without a Region leave their events. */
function globalRegion(partition: string): string {
  return { "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1" }[partition] ?? "us-east-1";
}

/** Name and ARN of the role in the profile: events name it by either. */
async function roleNames({ aws, lines, signal }: LogReading, profile: string | null): Promise<readonly string[]> {
  if (profile === null) return [];
  const name = profile.slice(profile.lastIndexOf("/") + 1);
  const answer = await aws.link.ask("source", null, "iam:GetInstanceProfile", { InstanceProfileName: name }, signal);
  if (answer.kind === "refused") {
    lines.add(refusedLine(`events of the role in ${profile}`, "iam:GetInstanceProfile", answer));
    return [];
  }
  return (answer.value.InstanceProfile?.Roles ?? []).flatMap(({ RoleName: role, Arn: arn }) => [role, arn]).filter((one) => one !== undefined);
}

/** Buckets, groups and keys that the logs lie in. */
async function concernedOf({ aws, lines, signal }: LogReading, { logs, around }: AccessSubject, trails: readonly TrailFacts[]): Promise<Concerned> {
  const buckets = new Set(trails.map(({ bucket }) => bucket));
  const groups = new Set(trails.flatMap(({ logGroup }) => (logGroup === null ? [] : [logGroup.replace(/^.*:log-group:/, "").replace(/:\*$/, "")])));
  const keys = new Set(trails.flatMap(({ kmsKey }) => (kmsKey === null ? [] : [kmsKey, kmsKey.slice(kmsKey.lastIndexOf("/") + 1)])));
  for (const log of logs) {
    if (log.kind === "bucket") buckets.add(log.bucket);
    if (log.kind === "group") groups.add(log.group);
  }
  if (around.length > 0) {
    const answer = await aws.link.ask("source", null, "ec2:DescribeFlowLogs", { Filter: [{ Name: "resource-id", Values: [...around] }] }, signal);
    if (answer.kind === "refused")
      lines.add(lackLine("buckets and groups of flow logs", "api:ec2:DescribeFlowLogs", "denied", "not known, so changes of theirs are not told apart"));
    else
      for (const { LogDestination: arn = "", LogGroupName: group } of answer.value.FlowLogs ?? []) {
        const bucket = /^arn:[^:]+:s3:::([^/]+)/.exec(arn)?.[1];
        if (bucket !== undefined) buckets.add(bucket);
        if (group !== undefined) groups.add(group);
      }
  }
  // Without a trail its bucket cannot be known: whatever happened to any bucket or key is then told.
  return { group: groups, "flow-log": new Set(around), ...(trails.length === 0 ? {} : { bucket: buckets, key: keys }) };
}
