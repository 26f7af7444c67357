import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLogsRoom } from "../../../collectors/aws/access-logs/access-logs.ts";
import { trailEvent } from "../../clouds/aws/cloudtrail-world.ts";
import { account, hour, instance, type LogRig, noon, openLogRig, region, type Taken } from "./log-rig.ts";

let rig: LogRig;
const minute = 60_000;

beforeEach(async () => {
  rig = await openLogRig([{ name: "flow-logs" }]);
});
afterEach(() => rig.close());

async function taken(wish: Parameters<LogRig["plan"]>[1] = {}): Promise<Taken> {
  const [step] = await rig.plan(accessLogsRoom, wish);
  return rig.take(accessLogsRoom, step ?? expect.fail("no step was planned"));
}

function add(name: string, minutes: number, more: Partial<Parameters<typeof trailEvent>[0]> = {}): string {
  const event = trailEvent({ account, region, source: "ec2.amazonaws.com", name, time: new Date(noon.getTime() + minutes * minute), user: "alice", ...more });
  rig.trails.events.push(event);
  return event.id;
}

const onInstance = { resources: [{ type: "AWS::EC2::Instance", name: instance }] };

/** Event ids on the pages of one question. */
function idsOf({ members }: Taken, question: string): readonly string[] {
  const pages = [...members].filter(([name]) => name.includes(`/LookupEvents/${encodeURIComponent(question)}/`));
  return pages.flatMap(([, bytes]) => JSON.parse(bytes.toString("utf8")).Events.map(({ EventId }: { EventId: string }) => EventId));
}

describe("the event history", () => {
  test("on the instance and by its role's session, here and where IAM and STS leave theirs, page for page as it came", async () => {
    const on = Array.from({ length: 120 }, (_, i) => add("ModifyInstanceAttribute", -60 - i / 10, onInstance));
    const by = add("ListBuckets", -30, { user: instance, source: "s3.amazonaws.com" });
    const global = add("CreateUser", -20, { user: instance, region: "us-east-1", source: "iam.amazonaws.com" });
    const role = add("UpdateAssumeRolePolicy", -10, { region: "us-east-1", source: "iam.amazonaws.com", resources: [{ type: "AWS::IAM::Role", name: "web" }] });
    add("ModifyInstanceAttribute", -121, onInstance); // before the window
    add("ModifyInstanceAttribute", -1, { resources: [{ type: "AWS::EC2::Instance", name: "i-0fedcba9876543210" }] });
    rig.trails.emptyPages = 1;
    const found = await taken();
    expect(idsOf(found, `ResourceName=${instance}`).toSorted()).toEqual(on.toSorted());
    expect(idsOf(found, `Username=${instance}`).toSorted()).toEqual([by, global].toSorted());
    expect(idsOf(found, "ResourceName=web")).toEqual([role]);
    const answers = new Set(rig.fake.exchanges.filter(({ operation }) => operation === "LookupEvents").map(({ answerBody }) => answerBody));
    for (const [name, bytes] of found.members) if (name.includes("/LookupEvents/")) expect(answers.has(bytes.toString("utf8"))).toBe(true);
    expect(found.report.coverage).toMatchObject({ got: { since: "2026-11-24T10:00:00.000Z", until: "2026-11-24T11:45:00.000Z" } });
  });

  test("two requests a second and no more, by the clock that the waits move", async () => {
    for (let i = 0; i < 200; i += 1) add("RunInstances", -60 - i / 10, onInstance);
    const asked: number[] = [];
    rig.answer("cloudtrail:LookupEvents", (call, honest) => {
      if (call.region === region) asked.push(call.now.getTime());
      return honest(call);
    });
    await taken();
    const apart = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
    expect(apart.length).toBeGreaterThan(20);
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(500);
  });

  test("others of the account who use up the limit are waited for", async () => {
    const id = add("RunInstances", -60, onInstance);
    rig.fake.faults.add({ on: "cloudtrail:LookupEvents", times: 20, does: { kind: "throttle" } });
    expect(idsOf(await taken(), `ResourceName=${instance}`)).toEqual([id]);
  });

  test("a history that never gets through is a gap, and the rest of the exhibit is there", async () => {
    rig.fake.faults.add({ on: "cloudtrail:LookupEvents", times: Number.POSITIVE_INFINITY, does: { kind: "throttle" } });
    const { report, members } = await taken();
    expect(report.coverage?.gaps).toContainEqual(expect.objectContaining({ outcome: "unavailable", reason: expect.stringMatching(/throttled every try/) }));
    expect(members.has("derived/credential-report.csv")).toBe(true);
    expect(rig.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(hour); // the first question's patience is not every question's
  });

  test("refused is denied, question by question; a window beyond 90 days says what the history does not reach", async () => {
    rig.fake.faults.add({ on: "cloudtrail:LookupEvents", times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
    const { report } = await taken({ window: { since: new Date(noon.getTime() - 91 * 24 * hour).toISOString(), until: noon.toISOString() } });
    expect(report.coverage?.gaps).toContainEqual(expect.objectContaining({ what: `event history of ${region}, Username ${instance}`, outcome: "denied" }));
    expect(report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/Username .*, before 2026-08-26/), outcome: "unavailable" }),
    );
  });

  test("what arrives within 15 minutes is taken by the second pass, and only that", async () => {
    add("RunInstances", -60, onInstance);
    add("StopInstances", -1, onInstance);
    const late = add("TerminateInstances", -2, { ...onInstance, visibleFrom: new Date(noon.getTime() + 10 * minute) });
    const [first, second] = await rig.plan(accessLogsRoom);
    expect([first?.id, second?.id, second?.lane]).toEqual(["access-logs", "access-logs:late", "late"]);
    const before = await rig.take(accessLogsRoom, first ?? expect.fail("no step"));
    rig.trails.emptyPages = 0;
    rig.answer("cloudtrail:LookupEvents", (call, honest) => honest({ ...call, params: { ...call.params, MaxResults: 1 } })); // a page an event
    const asked = rig.fake.exchanges.length;
    const after = await rig.take(accessLogsRoom, second ?? expect.fail("no step"), before.remembered);
    expect(idsOf(after, `ResourceName=${instance}`)).toEqual([late]);
    expect(rig.aws.clock().getTime()).toBeGreaterThanOrEqual(noon.getTime() + 15 * minute);
    expect([...after.members.keys()].filter((name) => name.startsWith("iam/"))).toEqual([]);
    expect(after.report.coverage?.got?.until).toBe(noon.toISOString());
    const starts = rig.fake.exchanges
      .slice(asked)
      .flatMap(({ operation, body }) => (operation === "LookupEvents" ? [JSON.parse(body ?? "{}").StartTime * 1000] : []));
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(noon.getTime() - 20 * minute); // at two pages a second, no further back than needed
  });
});

describe("the credential report", () => {
  test("is ordered, waited for, and kept as it came with its text beside it", async () => {
    const { members, report } = await taken();
    expect(members.get("derived/credential-report.csv")?.toString("utf8")).toMatch(/^user,arn,user_creation_time/);
    expect(members.get("iam/GetCredentialReport.xml")?.toString("utf8")).toMatch(/<Content>/);
    expect(rig.waits.filter((ms) => ms === 2000)).toEqual([2000, 2000]);
    expect(report.outcome).toBe("source-disabled"); // there is no trail
  });

  test("refused is a gap", async () => {
    rig.fake.faults.add({ on: "iam:GenerateCredentialReport", times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
    expect((await taken()).report.coverage?.gaps).toContainEqual(expect.objectContaining({ what: "IAM credential report", outcome: "denied" }));
  });
});
