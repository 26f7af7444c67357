import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLogsRoom } from "../../../collectors/aws/access-logs/access-logs.ts";
import { flowLogsRoom } from "../../../collectors/aws/flow-logs/flow-logs.ts";
import type { Room } from "../../../collectors/aws/room.ts";
import { antiForensics, trailEvent } from "../../clouds/aws/cloudtrail-world.ts";
import { trailOf } from "./log-plants.ts";
import { account, hour, type LogRig, noon, openLogRig, region } from "./log-rig.ts";

let rig: LogRig;
const begin = new Date(noon.getTime() - hour);
const at = (minutes: number): Date => new Date(begin.getTime() + minutes * 60_000);
const time = (minutes: number): string => at(minutes).toISOString();

beforeEach(async () => {
  rig = await openLogRig([{ name: "flow-logs" }, { name: "trail-bucket" }]);
});
afterEach(() => rig.close());

function event(source: string, name: string, minutes: number, request: unknown, more: Partial<Parameters<typeof trailEvent>[0]> = {}): void {
  rig.trails.events.push(trailEvent({ account, region, source: `${source}.amazonaws.com`, name, time: at(minutes), request, ...more }));
}

async function gaps(room: Room = accessLogsRoom): Promise<readonly { readonly what: string; readonly outcome: string; readonly reason: string }[]> {
  const [step] = await rig.plan(room);
  const { report } = await rig.take(room, step ?? expect.fail("no step was planned"));
  return (report.coverage?.gaps ?? []).filter(({ what }) => what.startsWith("logging-tampered"));
}

function plantTrail(): void {
  const options = { account, region, trail: "main", bucket: "trail-bucket", from: noon, hours: 0, logsAnHour: 0 };
  rig.trails.trails.push(trailOf(options, { logGroupArn: `arn:aws:logs:${region}:${account}:log-group:trail-group:*` }));
}

describe("what was done to the logs is a gap of their coverage", () => {
  test("every way of the outside list, found by its call's name though no trail is there any more", async () => {
    const planted = antiForensics(account, region, begin, { trail: "main", bucket: "trail-bucket" });
    rig.trails.events.push(...planted);
    const found = await gaps();
    expect(found.map(({ what, reason }) => [what, reason.split(" ")[0]])).toEqual(
      planted.map((one) => [`logging-tampered ${one.time.toISOString()}..${noon.toISOString()}`, one.name]),
    );
    expect(found[0]).toMatchObject({
      outcome: "source-disabled",
      reason: expect.stringMatching(
        /^StopLogging of main in eu-west-1 by arn:aws:iam::111122223333:user\/mallory from 198\.51\.100\.7 \(event [0-9a-f-]{36}\); not switched on again within the window$/,
      ),
    });
  });

  test("it ends when the same trail is switched on again, not when another one is", async () => {
    plantTrail();
    event("cloudtrail", "StopLogging", 0, { name: `arn:aws:cloudtrail:${region}:${account}:trail/main` });
    event("cloudtrail", "StartLogging", 5, { name: "other" });
    event("cloudtrail", "StartLogging", 10, { name: "main" }, { user: "alice" });
    event("cloudtrail", "StopLogging", 20, { name: "main" });
    const found = await gaps();
    expect(found.map(({ what }) => what)).toEqual([`logging-tampered ${time(0)}..${time(10)}`, `logging-tampered ${time(20)}..${noon.toISOString()}`]);
    expect(found[0]?.reason).toMatch(/switched on again by .*user\/alice from 198\.51\.100\.7 \(StartLogging, event/);
  });

  test("in the trail's home, in the instance's Region and where services without one leave theirs", async () => {
    rig.trails.trails.push(
      trailOf({ account, region: "eu-central-1", trail: "main", bucket: "trail-bucket", from: noon, hours: 0, logsAnHour: 0 }, { multiRegion: true }),
    );
    for (const [i, one] of ["eu-central-1", region, "us-east-1"].entries()) event("cloudtrail", "StopLogging", i, { name: "main" }, { region: one });
    expect((await gaps()).map(({ reason }) => /in (\S+) by/.exec(reason)?.[1])).toEqual(["eu-central-1", region, "us-east-1"]);
  });

  test("buckets, groups and keys only where the logs lie in them", async () => {
    plantTrail();
    event("s3", "PutBucketLifecycle", 0, { bucketName: "trail-bucket" });
    event("s3", "PutBucketVersioning", 1, { bucketName: "flow-logs" });
    event("s3", "PutBucketPolicy", 2, { bucketName: "holiday-pictures" });
    event("logs", "PutRetentionPolicy", 3, { logGroupName: "trail-group", retentionInDays: 1 });
    event("logs", "DisassociateKmsKey", 4, { resourceIdentifier: `arn:aws:logs:${region}:${account}:log-group:flow/web` });
    event("logs", "DeleteLogStream", 5, { logGroupName: "other", logStreamName: "s" });
    event("kms", "ScheduleKeyDeletion", 6, { keyId: "11111111-2222-4333-8444-555555555555" });
    expect((await gaps()).map(({ reason }) => reason.split(" in ")[0])).toEqual([
      "PutBucketLifecycle of trail-bucket",
      "PutBucketVersioning of flow-logs",
      "PutRetentionPolicy of trail-group",
      `DisassociateKmsKey of arn:aws:logs:${region}:${account}:log-group:flow/web`,
    ]);
  });

  test("a bucket's changes are in the history of its own Region; where that may not be asked, it is said", async () => {
    plantTrail();
    event("s3", "PutBucketPolicy", 0, { bucketName: "trail-bucket" }, { region: "us-east-1" }); // where the stand-in's buckets are
    expect((await gaps()).map(({ reason }) => reason.split(" by ")[0])).toEqual(["PutBucketPolicy of trail-bucket in us-east-1"]);
    rig.s3.denied.add("GetBucketLocation trail-bucket");
    const [step] = await rig.plan(accessLogsRoom);
    const { report } = await rig.take(accessLogsRoom, step ?? expect.fail("no step"));
    expect(report.coverage?.gaps).toContainEqual(expect.objectContaining({ what: "changes of bucket trail-bucket", outcome: "denied" }));
  });

  test("what was tried and refused is no gap, and is said", async () => {
    plantTrail();
    event("cloudtrail", "StopLogging", 0, { name: "main" }, { errorCode: "AccessDenied" });
    const [step] = await rig.plan(accessLogsRoom);
    const { report } = await rig.take(accessLogsRoom, step ?? expect.fail("no step"));
    expect(report.coverage?.gaps.some(({ what }) => what.startsWith("logging-tampered"))).toBe(false);
    expect(report.detail).toMatch(/tried and refused: StopLogging of main by arn:aws:iam::111122223333:user\/mallory/);
  });

  test("before and after the window is another window's matter; a record that cannot be read still counts", async () => {
    plantTrail();
    event("cloudtrail", "StopLogging", -61, { name: "main" });
    event("cloudtrail", "StopLogging", 0, { name: "main" });
    rig.answer("cloudtrail:LookupEvents", async (call, honest) => JSON.parse(JSON.stringify(await honest(call)).replaceAll('\\"requestParameters\\"', '\\"')));
    expect((await gaps()).map(({ what, reason }) => [what, reason.slice(0, 44)])).toEqual([
      [`logging-tampered ${time(0)}..${noon.toISOString()}`, "StopLogging of what its record does not name"],
    ]);
  });
});

describe("flow logs", () => {
  test("deleted ones are a gap until one of the same interface, subnet or VPC is made", async () => {
    event("ec2", "DeleteFlowLogs", 0, { DeleteFlowLogsRequest: { FlowLogId: { tag: 1, content: "fl-0123456789abcdef0" } } });
    event("ec2", "CreateFlowLogs", 5, { CreateFlowLogsRequest: { ResourceId: { tag: 1, content: "vpc-0fedcba9876543210" } } });
    event("ec2", "CreateFlowLogs", 9, { CreateFlowLogsRequest: { ResourceId: { tag: 1, content: rig.network.vpc } } });
    event("cloudtrail", "StopLogging", 10, { name: "main" });
    const found = await gaps(flowLogsRoom);
    expect(found).toMatchObject([
      { what: `logging-tampered ${time(0)}..${time(9)}`, outcome: "source-disabled", reason: expect.stringMatching(/^DeleteFlowLogs of fl-0123456789abcdef0/) },
    ]);
  });
});
