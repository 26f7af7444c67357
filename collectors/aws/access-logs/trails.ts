import { printable } from "../../../src/core/printable.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry, settingsLines } from "../logs/answer-entry.ts";
import type { Output } from "../client/link.ts";
import { listFolders } from "../logs/list-folders.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";
import { leftOut } from "./selectors.ts";

/** A trail that records the target's account and Region. */
export type TrailFacts = {
  readonly arn: string;
  readonly name: string;
  readonly home: string;
  readonly bucket: string;
  readonly prefix: string | null;
  readonly organization: boolean;
  readonly manyRegions: boolean;
  readonly validated: boolean;
  readonly kmsKey: string | null;
  readonly logGroup: string | null;
};

/** The trails, with the answers as members; what they leave out is said. Null where they may not be asked for. */
export async function* describeTrails(reading: LogReading): AsyncGenerator<TarEntry, readonly TrailFacts[] | null> {
  const { aws, lines, signal } = reading;
  const call = "cloudtrail:DescribeTrails";
  const answer = await aws.link.ask("source", null, call, { includeShadowTrails: true }, signal, { keepWire: true });
  if (answer.kind === "refused") {
    lines.add(refusedLine("trails", answer));
    return null;
  }
  yield answerEntry(aws.clock, settingsLines(lines), answer, { member: "cloudtrail/DescribeTrails.json", call, path: "trails" });
  const trails = (answer.value.trailList ?? []).flatMap(factsOf);
  if (trails.length === 0)
    lines.add(lackLine("trail files", `api:${call}`, "source-disabled", `no trail records account ${aws.account} in ${aws.instance.region}`));
  if (trails.length > 0 && !trails.some(({ manyRegions }) => manyRegions))
    reading.remarks.add(
      `no trail here records other Regions than ${aws.instance.region}: what the instance's role did in those is in their own trails, which were not looked for`,
    );
  for (const trail of trails) yield* standing(reading, trail);
  return trails;
}

function factsOf(trail: NonNullable<Output<"cloudtrail:DescribeTrails">["trailList"]>[number]): readonly TrailFacts[] {
  const { TrailARN: arn, Name: name, HomeRegion: home, S3BucketName: bucket, S3KeyPrefix: prefix } = trail;
  if (arn === undefined || name === undefined || home === undefined || bucket === undefined) return [];
  return [
    {
      arn,
      name,
      home,
      bucket,
      prefix: prefix === undefined || prefix === "" ? null : prefix.replace(/\/$/, ""),
      organization: trail.IsOrganizationTrail === true,
      manyRegions: trail.IsMultiRegionTrail === true,
      validated: trail.LogFileValidationEnabled === true,
      kmsKey: trail.KmsKeyId ?? null,
      logGroup: trail.CloudWatchLogsLogGroupArn ?? null,
    },
  ];
}

/** Whether it logs, delivers, and leaves nothing out. */
async function* standing({ aws, lines, signal }: LogReading, { arn, home, name, validated }: TrailFacts): AsyncGenerator<TarEntry> {
  const settings = settingsLines(lines);
  const member = (call: string): string => `cloudtrail/${encodeURIComponent(arn)}/${call}.json`;
  const status = await aws.link.ask("source", home, "cloudtrail:GetTrailStatus", { Name: arn }, signal, { keepWire: true });
  if (status.kind === "refused") lines.add(refusedLine(`status of trail ${name}`, status));
  else {
    yield answerEntry(aws.clock, settings, status, { member: member("GetTrailStatus"), call: "cloudtrail:GetTrailStatus", path: `status of trail ${name}` });
    const { IsLogging: logging, StopLoggingTime: stopped, LatestDeliveryError: error, LatestDigestDeliveryError: digestError } = status.value;
    if (logging !== true) {
      const since = stopped === undefined ? "" : ` since ${stopped.toISOString()}`;
      lines.add(lackLine(`events of trail ${name}`, "api:cloudtrail:GetTrailStatus", "source-disabled", `the trail is switched off${since}`));
    }
    for (const [what, why] of [
      ["log files", error],
      ["digest files", digestError],
    ] as const)
      if (why !== undefined && why !== "")
        lines.add(lackLine(`${what} of trail ${name}`, "api:cloudtrail:GetTrailStatus", "unavailable", `their latest delivery failed: ${printable(why)}`));
  }
  const selectors = await aws.link.ask("source", home, "cloudtrail:GetEventSelectors", { TrailName: arn }, signal, { keepWire: true });
  if (selectors.kind === "refused") lines.add(refusedLine(`selectors of trail ${name}`, selectors));
  else {
    const call = "cloudtrail:GetEventSelectors";
    yield answerEntry(aws.clock, settings, selectors, { member: member("GetEventSelectors"), call, path: `selectors of trail ${name}` });
    const lack = leftOut(selectors.value);
    if (lack !== null) lines.add(lackLine(`events of trail ${name}`, `api:${call}`, "source-disabled", lack));
  }
  if (!validated)
    lines.add(
      lackLine(`digests of trail ${name}`, "api:cloudtrail:DescribeTrails", "source-disabled", "log file validation is off: nothing vouches for its files"),
    );
}

/** Where the files of one trail, account and Region lie: `PREFIX/AWSLogs/[O-ID/]ACCOUNT/`. */
export type TrailFolder = { readonly trail: TrailFacts; readonly base: string; readonly region: string; readonly organization: string | null };

/**
 * The folders that the trail fills for the account. Which Regions it delivers from, and which organization it belongs to, is seen
 * from the bucket: an attacker with the instance's role may have worked anywhere.
 */
export async function foldersOf(reading: LogReading, trail: TrailFacts): Promise<readonly TrailFolder[]> {
  const { aws, lines } = reading;
  const top = `${trail.prefix === null ? "" : `${trail.prefix}/`}AWSLogs/`;
  const organizations: (string | null)[] = [null];
  if (trail.organization) {
    const found = await listFolders(reading, trail.bucket, top);
    organizations.push(...found.filter((name) => /^o-[a-z0-9]{10,32}$/.test(name)));
  }
  const made: TrailFolder[] = [];
  for (const organization of organizations) {
    const base = `${top}${organization === null ? "" : `${organization}/`}${aws.account}/`;
    const regions = trail.manyRegions ? await listFolders(reading, trail.bucket, `${base}CloudTrail/`) : [trail.home];
    // A folder that was emptied still has its digests, and the other way round.
    const signed = trail.manyRegions ? await listFolders(reading, trail.bucket, `${base}CloudTrail-Digest/`) : [];
    for (const region of new Set([...regions, ...signed])) made.push({ trail, base, region, organization });
  }
  if (made.length === 0)
    lines.add(
      lackLine(`files of trail ${trail.name}`, "api:s3:ListObjectsV2", "unavailable", `s3://${trail.bucket}/${top} has no folder of account ${aws.account}`),
    );
  return made;
}
