import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { type Gathered, gather, temporary, unpackAndCompare } from "../host/gathering.ts";
import { openStateRig, type StateRig } from "./state-rig.ts";

let folder: ReturnType<typeof temporary>;
let rig: StateRig;
let begun: { readonly api: number; readonly s3: number };

beforeEach(async () => {
  folder = temporary();
  rig = await openStateRig();
});
afterEach(async () => {
  await rig.close();
  folder[Symbol.dispose]();
  expect([rig.fake.unknown, rig.s3.violations]).toEqual([[], []]);
  await expectAsModelled(rig.fake);
});

async function take(): Promise<Gathered> {
  const source = await rig.open();
  begun = { api: rig.fake.exchanges.length, s3: rig.s3.requests.length };
  return gather(source, folder.path);
}

type Asked = {
  readonly call: string;
  readonly requestId: string;
  readonly body: string;
  readonly status: number;
  readonly code: string | null;
  readonly date: string | undefined;
};

/** What the servers were asked for the exhibit, and what they answered. */
function asked(): readonly Asked[] {
  const api = rig.fake.exchanges.slice(begun.api).map(({ service, operation, answerBody, answerHeaders, ...rest }) => ({
    ...rest,
    call: `${service}:${operation}`,
    body: answerBody ?? "",
    date: answerHeaders["date"],
  }));
  const s3 = rig.s3.requests.slice(begun.s3).map(({ operation, ...rest }, i) => ({
    ...rest,
    call: `s3:${operation}`,
    body: rig.objects[begun.s3 + i]?.answerXml ?? "",
    date: rig.now().toUTCString(),
  }));
  return [...api, ...s3];
}

/** `ec2:DescribeVolumes` of a line. */
const callOf = ({ source }: ManifestLine): string => /^api:(\S+)/.exec(source)?.[1] ?? source;

test("every answer is kept byte for byte as the server sent it, with digest, request id, status and date, and no call is without its line", async () => {
  const taken = await take();
  expect(unpackAndCompare(taken)).toBe(taken.lines.filter(({ member }) => member !== null).length);
  const lines = new Map(taken.lines.map((line) => [line.requestId, line]));
  const answers = asked();
  expect(answers.length).toBeGreaterThan(35);
  for (const { call, requestId, body, status, code, date } of answers) {
    const line = lines.get(requestId);
    expect([line === undefined ? null : callOf(line), line?.httpStatus, line?.date]).toEqual([call, status, date]);
    if (code !== null) expect([line?.member, line?.reason]).toEqual([null, expect.stringContaining(code)]);
    else {
      expect(line?.sha256).toBe(createHash("sha256").update(body).digest("hex"));
      expect(taken.read(line?.member ?? "").toString()).toBe(body);
    }
  }
  expect(taken.lines.filter(({ source }) => source.startsWith("api:"))).toHaveLength(answers.length);
});

test("the plan names exactly the calls that are made", async () => {
  const { calls } = await rig.step();
  const made = new Set((await take()).lines.filter(({ source }) => source.startsWith("api:")).map(callOf));
  expect(calls.map(({ call }) => call).toSorted()).toEqual([...made].toSorted());
  expect(calls.every(({ changes }) => !changes)).toBe(true);
});

test("nothing was refused, so it is collected, and every interface, group, subnet, policy and volume is in it", async () => {
  const taken = await take();
  expect([taken.report.outcome, taken.report.coverage?.gaps]).toEqual(["collected", []]);
  const { ec2, network } = rig.world;
  const text = taken.listing.filter((name) => name.startsWith("calls/")).map((name) => taken.read(name).toString());
  const all = text.join("\n");
  const mine = ec2.network.interfaces.filter(({ attachment }) => attachment?.instance === rig.world.instance.id);
  expect(mine).toHaveLength(2);
  for (const one of mine) for (const id of [one.id, one.subnet, one.vpc, ...one.groups, ...one.ipv6Addresses]) expect(all).toContain(id);
  for (const { id } of [...ec2.volumes, ...ec2.images, ...ec2.network.routeTables, ...ec2.network.networkAcls]) expect(all).toContain(id);
  for (const id of Object.values(network.flowLogs)) expect(all).toContain(id);
  for (const words of ["sqs%3ASendMessage", "s3%3AGetObject", "ec2.amazonaws.com", "nginx", rig.world.group.name]) expect(all).toContain(words);
});

test("console, screen and user data are there decoded too, each naming the answer that it came from, and count as no files of their own", async () => {
  const taken = await take();
  const derived = taken.lines.filter(({ source }) => source.startsWith("derived:"));
  expect(derived.map(({ member, source }) => [member, source.replace(/\d+/, "N")])).toEqual([
    ["derived/console-output.txt", "derived:calls/N-ec2-GetConsoleOutput.xml"],
    ["derived/screenshot.jpg", "derived:calls/N-ec2-GetConsoleScreenshot.xml"],
    ["derived/user-data", "derived:calls/N-ec2-DescribeInstanceAttribute.xml"],
  ]);
  for (const { source } of derived) expect(taken.listing).toContain(source.slice("derived:".length));
  const { console, screenshot, userData } = rig.world.instance;
  expect(taken.read("derived/console-output.txt")).toEqual(Buffer.from(console?.bytes ?? []));
  expect(taken.read("derived/screenshot.jpg")).toEqual(screenshot);
  expect(taken.read("derived/user-data")).toEqual(userData);
  expect(taken.report.files).toBe(taken.lines.filter(({ source, member }) => source.startsWith("api:") && member !== null).length);
});

test("the same account gives the same members in the same order", async () => {
  const [one, two] = [await take(), await take()];
  expect(two.listing).toEqual(one.listing);
  expect(one.listing[0]).toBe("calls/001-ec2-GetConsoleOutput.xml");
  expect(one.listing.at(-1)).toBe("manifest.jsonl");
});

test("one answer is in memory at a time: nothing is asked before the one before it has been taken", async () => {
  const source = await rig.open();
  const answered = (): number => [...rig.fake.exchanges, ...rig.s3.requests].filter(({ code }) => code === null).length;
  const before = answered();
  let members = 0;
  let ahead = 0;
  for await (const piece of source.bytes(rig.signal)) {
    if (Buffer.from(piece).toString("latin1", 257, 262) !== "ustar") continue;
    if (Buffer.from(piece).toString("latin1", 0, 6) === "calls/") members += 1;
    ahead = Math.max(ahead, answered() - before - members);
  }
  expect([members > 35, ahead]).toEqual([true, 0]);
});
