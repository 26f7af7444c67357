import { createHash } from "node:crypto";
import type { Window } from "../../../src/core/window.ts";
import { madeEntry } from "../../../src/stream/archive.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { AccessSubject } from "./access-subject.ts";
import { balancerLogs, serverAccessLogs } from "./asked-buckets.ts";
import type { AskedLog } from "./asked-logs.ts";
import { credentialReport } from "./credential-report.ts";
import type { DigestKey } from "../digests/keys.ts";
import { digestSpan } from "../digests/chain.ts";
import { logEvents } from "../logs/log-events.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { refusedLine } from "../logs/lack-line.ts";
import { lookupEvents } from "./lookup-events.ts";
import { packedLines } from "../logs/packed-lines.ts";
import { publicKeys } from "./public-keys.ts";
import { concernedOf } from "./tampering-concerned.ts";
import { lookForTampering } from "./tampering.ts";
import { tamperingSigns } from "./tampering-signs.ts";
import { checkTrail, trailFiles } from "./trail-files.ts";
import { describeTrails, foldersOf, type TrailFacts, type TrailFolder } from "./trails.ts";

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
    if (!files.signed || pass.late) continue;
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
  const { concerned, regions } = await concernedOf(reading, subject, trails);
  const all = [...new Set([here, home, ...trails.map((trail) => trail.home), ...regions])];
  yield* lookForTampering(reading, { signs: tamperingSigns, regions: all, window, concerned });
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
    lines.add(refusedLine(`events of the role in ${profile}`, answer));
    return [];
  }
  return (answer.value.InstanceProfile?.Roles ?? []).flatMap(({ RoleName: role, Arn: arn }) => [role, arn]).filter((one) => one !== undefined);
}
