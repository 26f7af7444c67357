import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { flowLogsRoom } from "../../../collectors/aws/flow-logs/flow-logs.ts";
import { flowLogObjects } from "../../clouds/aws/log-objects.ts";
import { generatedGroup, listedGroup, type LogEvent } from "../../clouds/aws/logs-world.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { account, hour, type LogRig, noon, openLogRig, region, type Taken } from "./log-rig.ts";

let rig: LogRig;
const minute = 60_000;
const named = { name: "flow/web", account, region, created: new Date("2026-11-01T00:00:00.000Z") };

beforeEach(async () => {
  rig = await openLogRig([{ name: "flow-logs" }]);
});
afterEach(() => rig.close());

function only(wanted: string): void {
  const logs = rig.ec2.network.flowLogs;
  for (const log of [...logs]) if (log.id !== wanted) logs.splice(logs.indexOf(log), 1);
}

function messagesOf({ members }: Taken): readonly string[] {
  const pages = [...members].filter(([name]) => name.startsWith("logs/")).map(([, bytes]) => JSON.parse(bytes.toString("utf8")));
  return pages.flatMap((page: { readonly events: readonly { readonly message: string }[] }) => page.events.map(({ message }) => message));
}

describe("a window that has just ended is read twice", () => {
  test("the second step is planned only where something may still come", async () => {
    expect((await rig.plan(flowLogsRoom)).map(({ id }) => id)).toEqual(["flow-logs", "flow-logs:late"]);
    rig.pass(10 * minute);
    expect((await rig.plan(flowLogsRoom)).map(({ id, lane, after }) => [id, lane, after])).toEqual([["flow-logs", "logs", []]]);
    expect(await rig.plan(flowLogsRoom, { kinds: ["memory"] })).toEqual([]);
  });

  test("where our clock is ahead of AWS's, what still comes by theirs is waited for and not said to be covered", async () => {
    await rig.close();
    rig = await openLogRig([{ name: "flow-logs" }], null, -10 * minute);
    rig.pass(15 * minute);
    const [first, late] = await rig.plan(flowLogsRoom);
    expect(late?.id).toBe("flow-logs:late");
    const { report } = await rig.take(flowLogsRoom, first ?? expect.fail("no step"));
    expect(Date.parse(report.coverage?.got?.until ?? "")).toBeLessThanOrEqual(noon.getTime() - 5 * minute);
  });

  test("it waits, in slices, until ten minutes after the end, and takes the object that came meanwhile and no other", async () => {
    only(rig.network.flowLogs.subnet);
    const place = { account, region, prefix: "vpc", seed: "7", interfaceId: rig.network.interfaces[0].id };
    const layout = { format: "plain-text", hiveCompatible: false, perHour: false, flowLogId: rig.network.flowLogs.subnet } as const;
    const planted = flowLogObjects({ ...place, ...layout, from: new Date(noon.getTime() - hour), hours: 1 });
    const last = planted.at(-1);
    if (last === undefined) throw new TypeError("nothing planted");
    await plant(rig.client, "flow-logs", planted.slice(0, -1));
    const [first, late] = await rig.plan(flowLogsRoom);
    if (first === undefined || late === undefined) throw new TypeError("two steps were to be planned");
    const before = await rig.take(flowLogsRoom, first);
    expect(before.report.detail).toMatch(/what arrived after this pass is in flow-logs:late/);
    expect(before.report.coverage?.got?.until).toBe("2026-11-24T11:50:00.000Z");
    rig.pass(5 * minute);
    await plant(rig.client, "flow-logs", [last]);
    const after = await rig.take(flowLogsRoom, late, before.remembered);
    expect(rig.waits).toEqual([minute, minute, minute, minute, minute]);
    expect([...after.members.keys()].filter((name) => name.startsWith("s3/"))).toEqual([`s3/flow-logs/${last.key}`]);
    expect(after.report.coverage?.got?.until).toBe("2026-11-24T12:00:00.000Z");
  });

  test("events that came meanwhile are taken, those of the first pass are not; where the first pass left nothing, all are", async () => {
    only(rig.network.flowLogs.interface);
    const event = (time: number, message: string, arrived = time): LogEvent => ({
      stream: `${rig.network.interfaces[0].id}-all`,
      time: noon.getTime() + time,
      message,
      arrived: noon.getTime() + arrived,
    });
    rig.logs.groups.push(
      listedGroup(named, [
        event(-hour, "old"),
        event(-minute, "just arrived"),
        event(-9 * minute, "late", 4 * minute),
        event(-8 * minute, "not yet", 20 * minute),
      ]),
    );
    const [first, late] = await rig.plan(flowLogsRoom);
    if (first === undefined || late === undefined) throw new TypeError("two steps were to be planned");
    const before = await rig.take(flowLogsRoom, first);
    expect(messagesOf(before)).toEqual(["old", "just arrived"]);
    rig.logs.scanned = 1; // a page an event: whole pages are kept, and only those with something new
    expect(messagesOf(await rig.take(flowLogsRoom, late, before.remembered))).toEqual(["late"]);
    expect(messagesOf(await rig.take(flowLogsRoom, late, null))).toEqual(["old", "late", "just arrived"]);
  });

  test("where nothing came, it is empty and says so", async () => {
    only(rig.network.flowLogs.interface);
    rig.ec2.network.flowLogs[0] = { ...rig.ec2.network.flowLogs[0], resource: rig.network.vpc } as (typeof rig.ec2.network.flowLogs)[number];
    rig.logs.groups.push(listedGroup(named, []));
    const [first, late] = await rig.plan(flowLogsRoom);
    if (first === undefined || late === undefined) throw new TypeError("two steps were to be planned");
    const before = await rig.take(flowLogsRoom, first);
    expect(before.report.outcome).toBe("empty");
    expect((await rig.take(flowLogsRoom, late, before.remembered)).report.outcome).toBe("empty");
  });
});

describe("a service that is not to be trusted", () => {
  beforeEach(() => only(rig.network.flowLogs.interface));

  test("a listing that ends after a full page is asked once more, and goes on where it had stopped", async () => {
    const stream = `${rig.network.interfaces[0].id}-all`;
    const all = Array.from({ length: 12_000 }, (_, i) => ({ stream, time: noon.getTime() - hour + i, message: `${i}` }));
    rig.logs.groups.push(listedGroup(named, all));
    let lies = 1;
    rig.answer("logs:FilterLogEvents", async (call, honest) => {
      const reply = await honest(call);
      return lies-- > 0 && typeof reply.json === "object" && reply.json !== null ? { json: { ...reply.json, nextToken: undefined } } : reply;
    });
    const taken = await rig.take(flowLogsRoom, (await rig.plan(flowLogsRoom))[0] ?? expect.fail("no step"));
    expect(new Set(messagesOf(taken)).size).toBe(12_000);
    expect(taken.lines).toContainEqual(expect.objectContaining({ reason: "asked for anew: the service had ended the listing after a full page" }));
    expect(taken.report.detail).toMatch(/ended its listing after a full page/);
  });

  test("a token that comes back again and again ends the listing as truncated", async () => {
    rig.logs.groups.push(listedGroup(named, []));
    rig.answer("logs:FilterLogEvents", () => ({ json: { events: [], searchedLogStreams: [], nextToken: "again" } }));
    const { report } = await rig.take(flowLogsRoom, (await rig.plan(flowLogsRoom))[0] ?? expect.fail("no step"));
    expect(report.coverage?.gaps).toContainEqual(expect.objectContaining({ outcome: "truncated", reason: expect.stringMatching(/same token again/) }));
  });
});

test("a page is asked for when the one before it has been taken: 200,000 events are never in memory", async () => {
  only(rig.network.flowLogs.interface);
  const { events } = generatedGroup(named, 200_000, new Date(noon.getTime() - hour), 1, 1);
  const stream = `${rig.network.interfaces[0].id}-all`;
  rig.logs.groups.push({ ...named, streams: new Set([stream]), events: { count: events.count, at: (index) => ({ ...events.at(index), stream }) } });
  let [asked, given, pages] = [0, 0, 0];
  rig.answer("logs:FilterLogEvents", (call, honest) => {
    asked += 1;
    return honest(call);
  });
  const [step] = await rig.plan(flowLogsRoom);
  const signal = AbortSignal.timeout(60_000);
  const opened = await flowLogsRoom.open?.(rig.aws, step ?? expect.fail("no step"), rig.context, signal);
  if (opened?.kind !== "source" || opened.source.kind !== "stream") throw new TypeError("no stream");
  for await (const chunk of opened.source.bytes(signal)) {
    given += chunk.length;
    if (Buffer.from(chunk.subarray(0, 9)).toString() === '{"events"') pages += 1; // a page is one chunk
    expect(asked).toBeLessThanOrEqual(pages + 1);
  }
  expect(pages).toBeGreaterThan(20);
  expect(given).toBeGreaterThan(40_000_000);
});
