import { CreateTrailCommand, StartLoggingCommand } from "@aws-sdk/client-cloudtrail";
import { CreateLogGroupCommand, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { CreateFlowLogsCommand } from "@aws-sdk/client-ec2";
import { CreateUserCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutBucketLifecycleConfigurationCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import type { Wish } from "../../../src/core/plan.ts";
import { flowLogObjects } from "../../clouds/aws/log-objects.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { buildTrail } from "../../clouds/aws/trail-bucket.ts";
import { type Gathered, gather, streamOf, temporary } from "../host/gathering.ts";
import { motoAccount, type MotoRig, openMotoRig, region } from "./moto-rig.ts";
import { known, type MotoMachine, plantMachine } from "./moto-world.ts";
import { roomContext, stepIn } from "./room-rig.ts";

const found = inject("servers").moto;
const hour = 3_600_000;
/** On the hour, some hours ago: long enough that no record of the window is still on its way. */
const full = Math.floor(Date.now() / hour) * hour;
const title = "logs on moto: its flow logs, groups, trails and objects (event history and public keys from our stand-in)";
if (found.kind === "none") describe.skip(`${title}: ${found.why}`);
else
  describe(title, () => {
    let rig: MotoRig;
    let machine: MotoMachine;
    let folder: ReturnType<typeof temporary>;
    beforeEach(async () => {
      folder = temporary();
      rig = await openMotoRig(found.server.url);
      machine = await plantMachine(rig.clients, 1);
    });
    afterEach(async () => {
      folder[Symbol.dispose]();
      await rig.close();
    });

    async function take(kind: "flow-logs" | "access-logs", from: number, until: number, more: Partial<Wish> = {}): Promise<Gathered> {
      const window = { since: new Date(full + from * hour).toISOString(), until: new Date(full + until * hour).toISOString() };
      const collector = rig.collector(machine.instance);
      const target = { kind: "aws", id: `aws:eu-west-1:${machine.instance}` } as const;
      const step = stepIn(await collector.plan(target, rig.wish([0, 0], { kinds: [kind], window, ...more }), rig.signal), kind);
      return gather(streamOf(await collector.open(step, roomContext(), rig.signal)), folder.path);
    }

    async function bucket(name: string): Promise<string> {
      await rig.clients.s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }));
      return name;
    }

    async function group(logGroupName: string, logStreamName: string, count: number, spanMs: number): Promise<readonly string[]> {
      const { logs } = rig.clients;
      await logs.send(new CreateLogGroupCommand({ logGroupName }));
      await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
      const events = Array.from({ length: count }, (_, i) => ({ timestamp: full - 3 * hour + Math.floor((i * spanMs) / count), message: `2 event ${i}` }));
      for (let at = 0; at < count; at += 5000)
        await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: events.slice(at, at + 5000) }));
      return events.map(({ message }) => message);
    }

    function messages(taken: Gathered): readonly string[] {
      const pages = taken.listing.filter((name) => name.startsWith("logs/") && name.endsWith(".json"));
      return pages.flatMap((name) => JSON.parse(taken.read(name).toString()).events.map(({ message }: { readonly message: string }) => message));
    }

    /** A flow log of moto's is as old as the test: that it was not there in the window is what has to be said. */
    function expectYoung({ report }: Gathered): void {
      expect([report.outcome, new Set(report.coverage?.gaps.map(({ outcome }) => outcome))]).toEqual(["source-disabled", new Set(["source-disabled"])]);
    }

    test("flow logs of the VPC in S3: the window's objects and no others, byte for byte", async () => {
      const name = await bucket("flow-logs");
      const made = await rig.clients.ec2.send(
        new CreateFlowLogsCommand({
          ResourceIds: [machine.vpc],
          ResourceType: "VPC",
          TrafficType: "ALL",
          LogDestinationType: "s3",
          LogDestination: `arn:aws:s3:::${name}`,
        }),
      );
      const flowLogId = known(made.FlowLogIds?.[0]);
      const layout = { account: motoAccount, region, seed: "7", format: "plain-text", hiveCompatible: false, perHour: false } as const;
      const objects = flowLogObjects({ ...layout, from: new Date(full - 6 * hour), hours: 6, flowLogId, interfaceId: machine.interfaces[0] ?? "" });
      await plant(rig.clients.s3, name, objects);
      const taken = await take("flow-logs", -4, -2);
      const wanted = objects.slice(12, 24); // each of ten minutes, from the fourth hour before to the second
      for (const { key, bytes } of wanted) expect(taken.read(`s3/${name}/${key}`).equals(bytes)).toBe(true);
      const kept = taken.listing.filter((one) => one.startsWith(`s3/${name}/`));
      // The ends: the file that ends at the beginning, and those that may still hold a record of the window's last minutes.
      expect(kept.length).toBeGreaterThanOrEqual(wanted.length);
      expect(kept.length).toBeLessThanOrEqual(wanted.length + 3);
      expectYoung(taken);
    });

    test("flow logs of an interface in CloudWatch Logs, 24,505 events over three pages: every event once", async () => {
      const face = machine.interfaces[0] ?? "";
      const planted = await group("flow/web", `${face}-all`, 24_505, hour);
      await rig.clients.ec2.send(
        new CreateFlowLogsCommand({
          ResourceIds: [face],
          ResourceType: "NetworkInterface",
          TrafficType: "ALL",
          LogGroupName: "flow/web",
          DeliverLogsPermissionArn: `arn:aws:iam::${motoAccount}:role/flow`,
        }),
      );
      const taken = await take("flow-logs", -3, -2);
      expect(messages(taken).toSorted()).toEqual([...planted].toSorted());
      expect(taken.lines.filter(({ source }) => source.startsWith("api:logs:FilterLogEvents"))).toHaveLength(3);
      expectYoung(taken);
    });

    test("a trail of moto's and its objects in moto's S3: taken byte for byte with their signatures, the chain valid; the credential report beside them", async () => {
      const name = await bucket("trail-bucket");
      const trail = buildTrail({ account: motoAccount, region, trail: "case-trail", bucket: name, from: new Date(full - 10 * hour), hours: 5, logsAnHour: 3 });
      await plant(rig.clients.s3, name, trail.objects.values());
      rig.trails.publicKeys.push(trail.publicKey);
      await rig.clients.trail.send(new CreateTrailCommand({ Name: "case-trail", S3BucketName: name, EnableLogFileValidation: true }));
      await rig.clients.trail.send(new StartLoggingCommand({ Name: "case-trail" }));
      await rig.clients.iam.send(new CreateUserCommand({ UserName: "mallory" }));
      const taken = await take("access-logs", -10, -5);
      for (const { key, bytes } of trail.objects.values()) expect(taken.read(`s3/${name}/${key}`).equals(bytes), key).toBe(true);
      expect(taken.report).toMatchObject({ outcome: "collected", coverage: { gaps: [] } });
      const report = taken.listing.find((one) => /credential-report.*\.csv$/.test(one)) ?? expect.fail(taken.listing.filter((one) => /cred/i.test(one)).join());
      expect(taken.read(report).toString()).toContain(`arn:aws:iam::${motoAccount}:user/mallory`);
    });

    test("a log group that the plan names, on several pages: every event once", async () => {
      const planted = await group("/app/web", "one", 10_007, hour);
      const arn = `arn:aws:logs:${region}:${motoAccount}:log-group:/app/web`;
      const taken = await take("access-logs", -3, -2, { logs: [arn] });
      expect(messages(taken).toSorted()).toEqual([...planted].toSorted());
    });

    test("the settings of a trail's bucket stand in the state: policy, lifecycle, versions, lock, logging", async () => {
      const name = await bucket("trail-bucket");
      const rule = { ID: "expire", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 30 } } as const;
      await rig.clients.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: name, LifecycleConfiguration: { Rules: [rule] } }));
      await rig.clients.trail.send(new CreateTrailCommand({ Name: "case-trail", S3BucketName: name }));
      rig.standIn(machine);
      const collector = rig.collector(machine.instance);
      const target = { kind: "aws", id: `aws:eu-west-1:${machine.instance}` } as const;
      const step = stepIn(await collector.plan(target, rig.wish([-2, 0], { kinds: ["state"] }), rig.signal), "state");
      const taken = await gather(streamOf(await collector.open(step, roomContext(), rig.signal)), folder.path);
      const asked = new Map(taken.lines.map((line) => [/^api:(s3:\S+)/.exec(line.source)?.[1] ?? "", line.outcome]));
      asked.delete("");
      expect(Object.fromEntries(asked)).toEqual({
        "s3:GetBucketLocation": "collected",
        "s3:GetBucketPolicy": "absent",
        "s3:GetBucketLifecycleConfiguration": "collected",
        "s3:GetBucketVersioning": "collected",
        "s3:GetObjectLockConfiguration": "absent",
        "s3:GetBucketLogging": "collected",
      });
      expect(taken.report.outcome).toBe("collected");
    });
  });
