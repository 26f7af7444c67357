import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLogsRoom } from "../../../collectors/aws/access-logs/access-logs.ts";
import { balancerLogObjects, serverAccessLogObjects } from "../../clouds/aws/log-objects.ts";
import { listedGroup } from "../../clouds/aws/logs-world.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { account, hour, type LogRig, noon, openLogRig, region, type Taken } from "./log-rig.ts";

let rig: LogRig;
const from = new Date(noon.getTime() - 5 * hour);
const balancer = `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/app/web/0123456789abcdef`;
const group = `arn:aws:logs:us-east-1:${account}:log-group:/app/web`;

beforeEach(async () => {
  rig = await openLogRig([{ name: "data" }, { name: "log-target" }, { name: "flow-logs" }]);
});
afterEach(() => rig.close());

async function taken(...logs: readonly string[]): Promise<Taken> {
  const [step] = await rig.plan(accessLogsRoom, { logs });
  return rig.take(accessLogsRoom, step ?? expect.fail("no step was planned"));
}

function objectsOf({ members }: Taken): readonly (readonly [string, Buffer])[] {
  return [...members].filter(([name]) => name.startsWith("s3/log-target/"));
}

describe("logs that the case names", () => {
  test("a bucket: its server access logs of the window, where its settings say", async () => {
    const planted = serverAccessLogObjects({ account, region, bucket: "data", prefix: "data/", from, hours: 12, seed: "3" });
    await plant(rig.client, "log-target", planted);
    const empty = await taken("arn:aws:s3:::data");
    expect(empty.report.coverage?.gaps).toContainEqual(expect.objectContaining({ what: "server access logs of data", outcome: "source-disabled" }));
    const logging = "<LoggingEnabled><TargetBucket>log-target</TargetBucket><TargetPrefix>data/</TargetPrefix></LoggingEnabled>";
    rig.s3.bucket("data").settings.set("logging", `<BucketLoggingStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${logging}</BucketLoggingStatus>`);
    const found = objectsOf(await taken("arn:aws:s3:::data"));
    // From the window's beginning, 10:00, to six hours after its end: they are delivered late.
    const expected = planted.slice(3);
    expect(found.map(([name]) => name)).toEqual(expected.map(({ key }) => `s3/log-target/${key}`));
    for (const [i, [, bytes]] of found.entries()) expect(bytes.equals(expected[i]?.bytes ?? Buffer.of())).toBe(true);
  });

  test("a load balancer: its own files and no other's", async () => {
    const planted = balancerLogObjects({ account, region, balancer: "web/0123456789abcdef", prefix: "lb", from, hours: 8, seed: "3" });
    const other = balancerLogObjects({ account, region, balancer: "web/fedcba9876543210", prefix: "lb", from, hours: 8, seed: "3" });
    await plant(rig.client, "log-target", [...planted, ...other]);
    const made = { arn: balancer, name: "web", type: "application", account, region, vpc: rig.network.vpc, created: from, targetGroups: [] } as const;
    rig.elb.balancers.push({ ...made, logs: { bucket: "log-target", prefix: "lb" } });
    const found = objectsOf(await taken(balancer));
    expect(found.map(([name]) => name)).toEqual(planted.slice(2, 6).map(({ key }) => `s3/log-target/${key}`)); // end at 10:00 … 13:00
    rig.elb.balancers.splice(0, 1, { ...made, logs: null });
    expect((await taken(balancer)).report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ outcome: "source-disabled", reason: `access logs of ${balancer} are switched off` }),
    );
  });

  test("a log group, also of another Region: all its streams", async () => {
    const at = (minutes: number) => noon.getTime() + minutes * 60_000;
    const events = [
      { stream: "a", time: at(-121), message: "before" },
      { stream: "a", time: at(-60), message: "one" },
      { stream: "b", time: at(-30), message: "two" },
    ];
    rig.logs.groups.push(listedGroup({ name: "/app/web", account, region: "us-east-1", created: from }, events));
    const { members } = await taken(`${group}:*`);
    const page = members.get("logs/us-east-1/%2Fapp%2Fweb/page-000001.json")?.toString("utf8") ?? "{}";
    expect(JSON.parse(page).events.map(({ message }: { message: string }) => message)).toEqual(["one", "two"]);
  });

  test.for([
    ["/var/log/nginx"],
    ["arn:aws:s3:::data/key"],
    ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/classic"],
    ["arn:aws:lambda:eu-west-1:111122223333:function:f"],
  ])("%s is no log: the plan says so by name", async ([log]) => {
    await expect(rig.plan(accessLogsRoom, { logs: [log ?? ""] })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(JSON.stringify(log)),
    });
  });

  test("refused: each by name", async () => {
    rig.s3.denied.add("GetBucketLogging");
    const { report } = await taken("arn:aws:s3:::data", balancer, group);
    expect(report.coverage?.gaps.slice(1, 4).map(({ what, outcome }) => [what, outcome])).toEqual([
      ["server access logs of data", "denied"],
      ["access logs of load balancer app/web/0123456789abcdef", "unavailable"],
      ["logs:/app/web", "unavailable"],
    ]);
  });
});
