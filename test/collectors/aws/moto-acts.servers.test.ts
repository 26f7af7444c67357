import { DescribeInstanceAttributeCommand, DescribeNetworkInterfacesCommand, DescribeSecurityGroupsCommand } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import type { Json } from "../../../src/core/act.ts";
import type { Collector, Done, StepContext } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import { type MotoRig, openMotoRig } from "./moto-rig.ts";
import { type MotoMachine, plantMachine } from "./moto-world.ts";
import { roomContext, stepIn } from "./room-rig.ts";

const found = inject("servers").moto;
const title = "what a room changes on moto, read back there by a client of its own";
if (found.kind === "none") describe.skip(`${title}: ${found.why}`);
else
  describe(title, () => {
    let rig: MotoRig;
    let machine: MotoMachine;
    let collector: Collector;
    beforeEach(async () => {
      rig = await openMotoRig(found.server.url);
      machine = await plantMachine(rig.clients);
      collector = rig.collector(machine.instance);
    });
    afterEach(() => rig.close());

    type Way = { readonly step: Step; readonly at: StepContext; readonly before: Json; readonly done: Done };

    async function act(id: string): Promise<Way> {
      const target = { kind: "aws", id: `aws:eu-west-1:${machine.instance}` } as const;
      const contain = { when: "after-memory", network: true, identity: false, users: [] } as const;
      const step = stepIn(await collector.plan(target, rig.wish([-2, 0], { contain }), rig.signal), id);
      const at = roomContext();
      const before = await collector.before(step, at, rig.signal);
      return { step, at, before, done: await collector.act(step, before, at, rig.signal) };
    }
    const undo = ({ step, at, before, done }: Way): Promise<Done> => collector.undo(step, before, done, at, rig.signal);

    async function protection(): Promise<readonly (boolean | undefined)[]> {
      const ask = (Attribute: "disableApiTermination" | "disableApiStop"): DescribeInstanceAttributeCommand =>
        new DescribeInstanceAttributeCommand({ InstanceId: machine.instance, Attribute });
      const [termination, stop] = [await rig.clients.ec2.send(ask("disableApiTermination")), await rig.clients.ec2.send(ask("disableApiStop"))];
      return [termination.DisableApiTermination?.Value, stop.DisableApiStop?.Value];
    }

    async function groupsOf(): Promise<Readonly<Record<string, readonly string[]>>> {
      const { NetworkInterfaces = [] } = await rig.clients.ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [...machine.interfaces] }));
      return Object.fromEntries(NetworkInterfaces.map(({ NetworkInterfaceId: id, Groups = [] }) => [id, Groups.map(({ GroupId }) => GroupId ?? "")]));
    }

    test("termination and stop protection are put on and taken off again", async () => {
      expect(await protection()).toEqual([false, false]);
      const ways = [await act("freeze:termination-protection"), await act("freeze:stop-protection")];
      expect([ways.map(({ done }) => done.kind), await protection()]).toEqual([
        ["done", "done"],
        [true, true],
      ]);
      for (const way of ways) expect((await undo(way)).kind).toBe("done");
      expect(await protection()).toEqual([false, false]);
    });

    test("another shutdown behaviour, which moto accepts and does not set, is failed", async () => {
      const { done } = await act("freeze:shutdown-behaviour");
      expect(done).toMatchObject({ kind: "failed", detail: 'shutdown behaviour: EC2 accepted "stop" and still shows "terminate"' });
    });

    test("volumes' DeleteOnTermination, which moto leaves out of its answer, is not known, and not off", async () => {
      const { done } = await act("freeze:delete-on-termination");
      expect(done).toMatchObject({ kind: "failed", detail: expect.stringContaining("EC2 shows none of its volumes (2 when it was planned)") });
    });

    test("every interface goes into one quarantine without a rule, and undo puts back the very groups and leaves none of ours", async () => {
      const [first = "", second = ""] = machine.interfaces;
      const old = { [first]: [machine.groups[0]], [second]: [machine.groups[1]] };
      expect(await groupsOf()).toEqual(old);
      const way = await act("isolate:network");
      expect(way.done).toMatchObject({ kind: "done", detail: expect.stringContaining("2 of 2 network interfaces are in quarantine") });
      const now = await groupsOf();
      const worn = [...new Set(Object.values(now).flat())];
      expect([worn.length, Object.values(now).map(({ length }) => length)]).toEqual([1, [1, 1]]);
      const { SecurityGroups: [quarantine] = [] } = await rig.clients.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: worn }));
      expect([quarantine?.IpPermissions, quarantine?.IpPermissionsEgress, quarantine?.VpcId]).toEqual([[], [], machine.vpc]);
      expect((await undo(way)).kind).toBe("done");
      expect(await groupsOf()).toEqual(old);
      const { SecurityGroups: all = [] } = await rig.clients.ec2.send(
        new DescribeSecurityGroupsCommand({ Filters: [{ Name: "vpc-id", Values: [machine.vpc] }] }),
      );
      expect(all.map(({ GroupName }) => GroupName).sort()).toEqual(["database", "default", "web"]);
      expect((await undo(way)).kind).toBe("already");
    });
  });
