import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { flowLogsRoom } from "../../../collectors/aws/flow-logs/flow-logs.ts";
import { flowLogObjects, type FlowOptions } from "../../clouds/aws/log-objects.ts";
import { listedGroup, type LogEvent } from "../../clouds/aws/logs-world.ts";
import { plant } from "../../clouds/aws/planted.ts";
import type { FlowLog } from "../../clouds/aws/ec2-network-world.ts";
import { account, hour, type LogRig, noon, openLogRig, region, type Taken } from "./log-rig.ts";

let rig: LogRig;
const born = new Date("2026-11-01T00:00:00.000Z");

beforeEach(async () => {
  rig = await openLogRig([{ name: "flow-logs" }, { name: "kept", versioning: true }]);
});
afterEach(() => rig.close());

function only(...wanted: readonly string[]): void {
  const logs = rig.ec2.network.flowLogs;
  for (const log of [...logs]) if (!wanted.includes(log.id)) logs.splice(logs.indexOf(log), 1);
}

function options(more: Partial<FlowOptions> = {}): FlowOptions {
  const flowLogId = rig.network.flowLogs.subnet;
  return {
    account,
    region,
    prefix: "vpc",
    from: new Date(noon.getTime() - 4 * hour),
    hours: 5,
    seed: "7",
    flowLogId,
    interfaceId: rig.network.interfaces[0].id,
    format: "plain-text",
    hiveCompatible: false,
    perHour: false,
    ...more,
  };
}

async function taken(wish: Parameters<LogRig["plan"]>[1] = {}): Promise<Taken> {
  const [step] = await rig.plan(flowLogsRoom, wish);
  if (step === undefined) throw new TypeError("no step was planned");
  return rig.take(flowLogsRoom, step);
}

function events(times: readonly number[], stream = `${rig.network.interfaces[0].id}-all`): readonly LogEvent[] {
  return times.map((time) => ({ stream, time, message: `2 ${account} flow ${time}` }));
}

describe("S3", () => {
  test.for([
    ["plain text, by day", "subnet", { format: "plain-text", hiveCompatible: false, perHour: false }],
    ["Parquet, hive folders, by hour", "vpc", { format: "parquet", hiveCompatible: true, perHour: true }],
  ] as const)("%s: every object of the window and no other, byte for byte", async ([, kind, layout]) => {
    const flowLogId = rig.network.flowLogs[kind];
    only(flowLogId);
    const planted = flowLogObjects(options({ flowLogId, ...layout }));
    const foreign = flowLogObjects(options({ flowLogId: "fl-0fedcba9876543210", ...layout }));
    await plant(rig.client, "flow-logs", [...planted, ...foreign]);
    const { report, members, lines } = await taken();
    // In the window from 10 to 12 are the files that end from 10:00 on, and those that may be written until their records are all there.
    const interval = kind === "vpc" ? 10 : 1;
    const expected = planted.filter((_, i) => {
      const end = noon.getTime() - 4 * hour + (i + 1) * 600_000;
      return end >= noon.getTime() - 2 * hour && end <= noon.getTime() + (10 + interval) * 60_000;
    });
    expect([...members.keys()].filter((name) => name.startsWith("s3/")).sort()).toEqual(expected.map(({ key }) => `s3/flow-logs/${key}`).sort());
    for (const { key, bytes } of expected) expect(members.get(`s3/flow-logs/${key}`)?.equals(bytes)).toBe(true);
    // The second interface is in a subnet of its own, that the first one's flow log does not record.
    expect(report.outcome).toBe(kind === "vpc" ? "collected" : "source-disabled");
    const [line] = lines.filter(({ type }) => type === "object");
    expect(line).toMatchObject({ etag: expect.stringMatching(/^"[0-9a-f]{32}"$/), checksum: expect.stringMatching(/^crc32 /), outcome: "collected" });
    expect(lines.find(({ member }) => member === "ec2/DescribeFlowLogs/page-000001.xml")).toMatchObject({ outcome: "collected" });
  });

  test("a window over midnight looks into both days' folders", async () => {
    only(rig.network.flowLogs.subnet);
    const planted = flowLogObjects(options({ from: new Date("2026-11-23T23:30:00.000Z"), hours: 1 }));
    await plant(rig.client, "flow-logs", planted);
    const { members } = await taken({ window: { since: "2026-11-23T23:55:00.000Z", until: "2026-11-24T00:05:00.000Z" } });
    expect([...members.keys()].filter((name) => name.startsWith("s3/")).map((name) => /_(\d{8}T\d{4})Z_/.exec(name)?.[1])).toEqual([
      "20261124T0000", // in the folder of the 23rd
      "20261124T0010",
    ]);
  });

  test("what was overwritten or deleted in a bucket with versions is taken as it was, and named", async () => {
    only(rig.network.flowLogs.subnet);
    const [log] = rig.ec2.network.flowLogs;
    if (log !== undefined)
      rig.ec2.network.flowLogs[0] = { ...log, destination: { kind: "s3", arn: "arn:aws:s3:::kept/vpc", format: "plain-text", hive: false, perHour: false } };
    const planted = flowLogObjects(options()).slice(12, 14);
    const [first, second] = planted;
    if (first === undefined || second === undefined) throw new TypeError("nothing planted");
    await plant(rig.client, "kept", [...planted, { ...first, bytes: Buffer.from("nothing happened") }]);
    const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
    await rig.client.send(new DeleteObjectCommand({ Bucket: "kept", Key: second.key }));
    const { members, report, lines } = await taken();
    expect(members.get(`s3/kept/${first.key}`)?.toString()).toBe("nothing happened");
    const older = [...members].filter(([name]) => name.startsWith("s3-versions/kept/"));
    expect(older.map(([name]) => name.slice(0, name.lastIndexOf("/")))).toEqual([first, second].map(({ key }) => `s3-versions/kept/${key}`));
    expect(older.map(([, bytes]) => bytes.equals(first.bytes) || bytes.equals(second.bytes))).toEqual([true, true]);
    expect(report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ what: `s3://kept/${second.key}`, reason: expect.stringMatching(/^it was deleted at 2026-11-24T12/) }),
    );
    expect(lines.filter(({ reason }) => reason === "an older version: it was replaced or deleted later").length).toBe(2);
  });

  test("a bucket that may not be listed, and objects that may not be read, are denied by name", async () => {
    only(rig.network.flowLogs.subnet);
    const planted = flowLogObjects(options());
    await plant(rig.client, "flow-logs", planted);
    rig.s3.denied.add(`GetObject flow-logs/${planted[13]?.key}`);
    const partly = await taken();
    expect(partly.report.outcome).toBe("truncated");
    expect(partly.report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ what: `s3://flow-logs/${planted[13]?.key}`, outcome: "denied", reason: expect.stringMatching(/AccessDenied.*request/) }),
    );
    rig.s3.denied.add("ListObjectVersions flow-logs");
    expect((await taken()).report.outcome).toBe("truncated"); // without the right to versions, what stands there now
    rig.s3.denied.add("ListObjectsV2 flow-logs");
    const none = await taken();
    expect(none.report.coverage).toMatchObject({ got: null, gaps: expect.arrayContaining([expect.objectContaining({ outcome: "denied" })]) });
  });

  test("an object that is deleted between the listing and the reading is named as that", async () => {
    only(rig.network.flowLogs.subnet);
    const planted = flowLogObjects(options());
    await plant(rig.client, "flow-logs", planted);
    const gone = planted.at(-1)?.key ?? "";
    rig.s3.denied.add("ListObjectVersions");
    const { keys } = rig.s3.bucket("flow-logs");
    const listed = keys.get.bind(keys);
    keys.get = (key) => (key === gone ? undefined : listed(key)); // listings go by values(), reading by get()
    const { report } = await taken({ window: { since: new Date(noon.getTime()).toISOString(), until: new Date(noon.getTime() + hour).toISOString() } });
    expect(report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ what: `s3://flow-logs/${gone}`, outcome: "unavailable", reason: expect.stringMatching(/deleted meanwhile/) }),
    );
  });
});

describe("what is switched off or goes elsewhere", () => {
  test("no flow log at all is source-disabled, and says for which interface, subnet and VPC", async () => {
    only();
    const { report } = await taken();
    expect(report).toMatchObject({ outcome: "source-disabled", coverage: { got: null } });
    const [one, two] = rig.network.interfaces;
    expect(report.coverage?.gaps.map(({ reason }) => reason)).toEqual(
      [one, two].map(({ id, subnet, vpc }) => `no flow log is configured for interface ${id}, its subnet ${subnet} or its VPC ${vpc}`),
    );
  });

  test("a flow log made in the window, of one kind of traffic, that cannot deliver, to Firehose: each a gap", async () => {
    only(rig.network.flowLogs.vpc);
    const [log] = rig.ec2.network.flowLogs;
    if (log === undefined) throw new TypeError("no flow log");
    const made: FlowLog = {
      ...log,
      traffic: "REJECT",
      created: new Date(noon.getTime() - hour),
      destination: { kind: "kinesis-data-firehose", arn: `arn:aws:firehose:${region}:${account}:deliverystream/flows` },
      delivery: { status: "FAILED", message: "Access error" },
    };
    rig.ec2.network.flowLogs[0] = made;
    const reasons = (await taken()).report.coverage?.gaps.map(({ reason }) => reason) ?? [];
    for (const reason of [/made at 2026-11-24T11:00/, /record REJECT only/, /delivery fails: Access error/, /delivered to arn:aws:firehose.*not read/])
      expect(reasons.some((text) => reason.test(text))).toBe(true);
  });

  test("an old flow log of rejected flows does not make a young one of all flows an old one", async () => {
    only(rig.network.flowLogs.vpc);
    const [log] = rig.ec2.network.flowLogs;
    if (log === undefined) throw new TypeError("no flow log");
    const young = { ...log, id: "fl-0123456789abcdee1", traffic: "ALL" as const, created: new Date(noon.getTime() - hour) };
    rig.ec2.network.flowLogs.splice(0, 1, { ...log, traffic: "REJECT", created: born }, young);
    const gaps = (await taken()).report.coverage?.gaps ?? [];
    expect(gaps.filter(({ what }) => / flows of eni/.test(what)).map(({ what, reason }) => [what, reason])).toEqual(
      [rig.network.interfaces[0], rig.network.interfaces[1]].map(({ id }) => [
        `accepted flows of ${id} from 2026-11-24T10:00:00.000Z to 2026-11-24T11:00:00.000Z`,
        "the oldest flow log of them was made at 2026-11-24T11:00:00.000Z",
      ]),
    );
  });

  test("a format that leaves out who spoke with whom is a gap, though the flow log is active and delivers", async () => {
    only(rig.network.flowLogs.vpc);
    const [log] = rig.ec2.network.flowLogs;
    if (log === undefined) throw new TypeError("no flow log");
    rig.ec2.network.flowLogs[0] = { ...log, format: "${version} ${interface-id} ${pkt-srcaddr} ${start} ${end} ${protocol}" };
    expect((await taken()).report.coverage?.gaps).toContainEqual({
      what: `dstaddr, srcport, dstport, action of ${log.id}`,
      outcome: "source-disabled",
      reason: "the format that it was given leaves them out",
    });
  });

  test("settings over short and empty pages are read to the end", async () => {
    rig.ec2.pageSize = 1;
    rig.ec2.emptyPages = 1;
    const { members } = await taken();
    const pages = [...members].filter(([name]) => name.startsWith("ec2/DescribeFlowLogs/")).map(([, bytes]) => bytes.toString("utf8"));
    expect(pages.map((page) => /<flowLogId>([^<]+)/.exec(page)?.[1])).toEqual(
      [undefined, ...[0, 1, 2].flatMap((i) => [`fl-0123456789abcdef${i}`, undefined])].slice(0, 6),
    );
  });

  test("DescribeFlowLogs refused is denied", async () => {
    rig.ec2.denied.add(`${account}:DescribeFlowLogs`);
    expect((await taken()).report).toMatchObject({ outcome: "denied", coverage: { got: null, gaps: [{ what: "flow log settings", outcome: "denied" }] } });
  });
});

describe("CloudWatch Logs", () => {
  beforeEach(() => only(rig.network.flowLogs.interface));
  const named = { name: "flow/web", account, region, created: born };

  test("every page as it came over the wire, to the end, through short and empty ones", async () => {
    const times = Array.from({ length: 25 }, (_, i) => noon.getTime() - 2 * hour + i * 60_000);
    rig.logs.groups.push(listedGroup(named, [...events(times), ...events([noon.getTime() - hour], "eni-0fedcba9876543210-all")]));
    rig.logs.emptyPages = 1;
    rig.logs.scanned = 10;
    const { report, members } = await taken();
    const pages = [...members].filter(([name]) => name.startsWith("logs/"));
    const answers = rig.fake.exchanges.filter(({ operation }) => operation === "FilterLogEvents").map(({ answerBody }) => answerBody ?? "");
    for (const [, bytes] of pages) expect(answers).toContain(bytes.toString("utf8"));
    const messages = pages.flatMap(([, bytes]) => JSON.parse(bytes.toString("utf8")).events.map(({ message }: { message: string }) => message));
    expect(messages).toEqual(events(times).map(({ message }) => message));
    expect(pages[0]?.[0]).toMatch(/^logs\/flow%2Fweb\/eni-0123456789abcdef0\/page-00000\d\.json$/);
    expect(report.coverage?.got).toEqual({ since: "2026-11-24T10:00:00.000Z", until: "2026-11-24T11:50:00.000Z" });
  });

  test("both ends of the window count, and a record that began a minute before it", async () => {
    const [since, until] = [noon.getTime() - 2 * hour, noon.getTime()];
    rig.logs.groups.push(listedGroup(named, events([since - 60_001, since - 60_000, since, until, until + 1])));
    const { members } = await taken();
    const [page] = [...members].filter(([name]) => name.startsWith("logs/")).map(([, bytes]) => JSON.parse(bytes.toString("utf8")));
    expect(page.events.map(({ timestamp }: { timestamp: number }) => timestamp)).toEqual([since - 60_000, since, until]);
  });

  test("a group that is not there, and one without events of the window", async () => {
    expect((await taken()).report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ outcome: "unavailable", reason: expect.stringMatching(/ResourceNotFoundException/) }),
    );
    rig.logs.groups.push(listedGroup(named, []));
    expect((await taken()).lines).toContainEqual(expect.objectContaining({ path: expect.stringMatching(/^logs:flow\/web.*page 1$/), outcome: "empty" }));
  });
});
