import { createHash } from "node:crypto";
import { AttachRolePolicyCommand, CreatePolicyCommand } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { type Gathered, gather, streamOf, temporary } from "../host/gathering.ts";
import { type MotoRig, openMotoRig } from "./moto-rig.ts";
import { type MotoMachine, plantMachine, plantRole, userData } from "./moto-world.ts";
import { roomContext, stepIn } from "./room-rig.ts";

const found = inject("servers").moto;
/** Asked of our stand-in behind the same port: moto lacks the second and answers the third with nothing; Auto Scaling is none of its share. */
const lacking = ["autoscaling:DescribeAutoScalingInstances", "ec2:GetConsoleScreenshot", "ssm:GetInventory"];
const title = `the state of an instance on moto (from our stand-in: ${lacking.join(", ")})`;
if (found.kind === "none") describe.skip(`${title}: ${found.why}`);
else
  describe(title, () => {
    let rig: MotoRig;
    let machine: MotoMachine;
    let folder: ReturnType<typeof temporary>;
    beforeEach(async () => {
      folder = temporary();
      rig = await openMotoRig(found.server.url);
      machine = await plantMachine(rig.clients);
      rig.standIn(machine);
    });
    afterEach(async () => {
      folder[Symbol.dispose]();
      await rig.close();
    });

    async function take(): Promise<Gathered> {
      const collector = rig.collector(machine.instance);
      const target = { kind: "aws", id: `aws:eu-west-1:${machine.instance}` } as const;
      const step = stepIn(await collector.plan(target, rig.wish([-2, 0], { kinds: ["state"] }), rig.signal), "state");
      return gather(streamOf(await collector.open(step, roomContext(), rig.signal)), folder.path);
    }

    test("every answer is kept byte for byte as it came, and all that was planted is in it", async () => {
      const { role, policy } = await plantRole(rig.clients, machine.instance);
      const taken = await take();
      expect([taken.report.outcome, taken.report.coverage?.gaps]).toEqual(["collected", []]);
      const sent = new Map(rig.route.went.map(({ call, to, bytes }) => [digest(bytes), { call, to }]));
      const answers = taken.lines.filter(({ source, member }) => source.startsWith("api:") && member !== null);
      const from = answers.map(({ source, member }) => {
        const one = sent.get(digest(taken.read(member ?? "")));
        expect(one?.call).toBe(/^api:(\S+)/.exec(source)?.[1]);
        return `${one?.to} ${one?.call}`;
      });
      expect([...new Set(from.filter((one) => one.startsWith("fake ")))].sort()).toEqual(lacking.map((one) => `fake ${one}`));
      expect(from.filter((one) => one.startsWith("moto ")).length).toBeGreaterThan(25);
      const all = answers.map(({ member }) => taken.read(member ?? "").toString("utf8")).join("\n");
      const ids = [machine.instance, machine.vpc, ...machine.subnets, ...machine.interfaces, ...machine.groups, ...machine.volumes];
      for (const word of [...ids, role, policy, "web \u{1f512}", "198.51.1.0/24", "ec2.amazonaws.com"]) expect(all).toContain(word);
      for (const word of ["sqs:SendMessage", "s3:ListAllMyBuckets"]) expect(decodeURIComponent(all.replaceAll(/%(?![0-9A-F]{2})/g, "%25"))).toContain(word);
      expect(taken.read("derived/user-data").toString()).toBe(userData);
      const image = taken.lines.find(({ source }) => source.startsWith("api:ec2:DescribeImages"));
      expect([image?.outcome, image?.member]).toEqual(["absent", null]); // moto knows no such image
    });

    test("policies over several pages of IAM are all taken, each page as it came", async () => {
      const { role } = await plantRole(rig.clients, machine.instance);
      const document = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] });
      const names = Array.from({ length: 104 }, (_, i) => `policy-${String(i).padStart(3, "0")}`);
      for (const PolicyName of names) {
        const { Policy } = await rig.clients.iam.send(new CreatePolicyCommand({ PolicyName, PolicyDocument: document }));
        await rig.clients.iam.send(new AttachRolePolicyCommand({ RoleName: role, PolicyArn: Policy?.Arn }));
      }
      const taken = await take();
      const calls = (name: string): number => taken.lines.filter(({ source, member }) => source.startsWith(`api:${name} `) && member !== null).length;
      expect([calls("iam:ListAttachedRolePolicies"), calls("iam:GetPolicyVersion")]).toEqual([2, 105]);
      for (const name of names) expect(taken.lines.some(({ source }) => source.includes(`:policy/${name}"`))).toBe(true);
    });
  });

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
