import { EC2Client, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { worldNames } from "../../clouds/aws/aws-world-names.ts";
import { type Gathered, gather, temporary, unpackAndCompare } from "../host/gathering.ts";
import { openStateRig, type StateRig } from "./state-rig.ts";

const forever = Number.POSITIVE_INFINITY;
let folder: ReturnType<typeof temporary>;
let rig: StateRig;

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

const take = async (): Promise<Gathered> => gather(await rig.open(), folder.path);
const callOf = ({ source }: ManifestLine): string => /^api:(\S+)/.exec(source)?.[1] ?? source;
const linesOf = ({ lines }: Gathered, call: string): readonly ManifestLine[] => lines.filter((line) => callOf(line) === call);
const endsOf = (taken: Gathered, call: string): readonly string[] => linesOf(taken, call).map(({ outcome, reason }) => `${outcome}: ${reason}`);

test("a call that is denied is a gap with its code and request id, all others are taken, and the outcome is truncated", async () => {
  rig.fake.faults.add({ on: "ec2:GetConsoleOutput", times: forever, does: { kind: "deny" } });
  rig.fake.faults.add({ on: "iam:*", times: forever, does: { kind: "deny" } });
  const taken = await take();
  expect(taken.report.outcome).toBe("truncated");
  const denied = rig.fake.exchanges.filter(({ status, service }) => status === 403 && service !== "sts");
  expect(taken.report.coverage?.gaps.map(({ what, outcome }) => [what.split(" ")[0], outcome])).toEqual([
    ["ec2:GetConsoleOutput", "denied"],
    ["iam:GetInstanceProfile", "denied"],
  ]);
  for (const { code, requestId } of denied) {
    const line = taken.lines.find((one) => one.requestId === requestId);
    expect([line?.outcome, line?.member, line?.size, line?.httpStatus]).toEqual(["denied", null, "0", 403]);
    expect(line?.reason).toContain(`${code}`);
  }
  expect(linesOf(taken, "ec2:DescribeVolumes").map(({ outcome }) => outcome)).toEqual(["collected"]);
  unpackAndCompare(taken);
});

test("where everything is denied the exhibit is denied", async () => {
  const source = await rig.open();
  rig.fake.faults.add({ on: "*", times: forever, does: { kind: "deny" } });
  expect((await gather(source, folder.path)).report).toMatchObject({ outcome: "denied", files: 0 });
});

test("throttled answers are asked again and lost ones too, and each stands in the archive once", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeTags", times: 5, does: { kind: "throttle" } });
  rig.fake.faults.add({ on: "ec2:DescribeSubnets", does: { kind: "lost-answer" } });
  rig.fake.faults.add({ on: "ssm:GetInventory", from: 2, times: 3, does: { kind: "throttle" } });
  const taken = await take();
  expect(taken.report.outcome).toBe("collected");
  expect(linesOf(taken, "ec2:DescribeSubnets")).toHaveLength(1);
  expect(rig.fake.faults.fired).toHaveLength(9);
});

test("short and empty pages are followed to the end, and each is a member", async () => {
  const { ec2 } = rig.world;
  const whole = await take();
  ec2.pageSize = 1;
  ec2.emptyPages = 1;
  const paged = await take();
  expect(paged.report.outcome).toBe("collected");
  const pages = linesOf(paged, "ec2:DescribeSecurityGroupRules");
  expect(pages.length).toBeGreaterThan(3);
  const idsIn = (taken: Gathered): readonly string[] =>
    linesOf(taken, "ec2:DescribeSecurityGroupRules")
      .flatMap(({ member }) =>
        [
          ...taken
            .read(member ?? "")
            .toString()
            .matchAll(/<securityGroupRuleId>([^<]+)/g),
        ].map(([, id]) => id ?? ""),
      )
      .toSorted();
  expect(idsIn(paged)).toEqual(idsIn(whole));
  expect(
    pages.filter(
      ({ member }) =>
        !paged
          .read(member ?? "")
          .toString()
          .includes("<securityGroupRuleId>"),
    ).length,
  ).toBeGreaterThan(0);
});

test("a page token that comes a second time is a gap and no endless loop", async () => {
  const source = await rig.open();
  rig.instead.set("ec2:DescribeVolumes", () => ({ xml: { volumeSet: {}, nextToken: "round and round" } }));
  const taken = await gather(source, folder.path);
  expect(taken.report.outcome).toBe("truncated");
  expect(endsOf(taken, "ec2:DescribeVolumes")).toEqual([
    "collected: null",
    "collected: null",
    "truncated: the service gave a page token that it had given before: the pages behind it are missing",
  ]);
});

test("one service that never answers is a gap; where three calls in a row get no answer, the attempt breaks down and can be resumed", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeTags", times: forever, does: { kind: "server-error" } });
  const taken = await take();
  expect(taken.report.outcome).toBe("truncated");
  expect(taken.report.coverage?.gaps.every(({ what, outcome }) => what.startsWith("ec2:DescribeTags ") && outcome === "failed")).toBe(true);
  const source = await rig.open();
  rig.fake.faults.add({ on: "*", times: forever, does: { kind: "reset-before" } });
  await expect(gather(source, folder.path)).rejects.toMatchObject({ code: "unreachable" });
});

test("what is not there is told as that, and is no gap", async () => {
  const { ec2, instance, iam } = rig.world;
  Object.assign(instance, { nitro: false, state: "stopped", userData: null });
  ec2.images.length = 0;
  iam.accounts.get(worldNames.account)?.profiles.clear();
  const taken = await take();
  expect([taken.report.outcome, taken.report.coverage?.gaps]).toEqual(["collected", []]);
  expect(endsOf(taken, "ec2:GetConsoleOutput")).toEqual([expect.stringMatching(/^absent: .*UnsupportedOperation/), "collected: null"]);
  expect(endsOf(taken, "ec2:GetConsoleScreenshot")).toEqual([expect.stringMatching(/^absent: .*IncorrectInstanceState/)]);
  expect(endsOf(taken, "ec2:DescribeImages")).toEqual([expect.stringMatching(/^absent: the image it came from is gone.*InvalidAMIID.NotFound/)]);
  expect(endsOf(taken, "iam:GetInstanceProfile")).toEqual([expect.stringMatching(/^absent: the profile was deleted.*NoSuchEntity/)]);
  expect(endsOf(taken, "s3:GetBucketPolicy").every((end) => end.startsWith("absent: the bucket has no policy"))).toBe(true);
  expect(taken.listing).not.toContain("derived/user-data");
  expect(taken.report.detail).toContain("the instance is stopped");
});

test("no profile and instance store are said whatever the outcome", async () => {
  const { ec2, instance } = rig.world;
  ec2.network.profileAssociations.length = 0;
  Object.assign(instance, { instanceStore: ["ephemeral0", "ephemeral1"] });
  const { report } = await take();
  expect(report.outcome).toBe("collected");
  expect(report.detail).toContain("it has no instance profile, and so no role of its own");
  expect(report.detail).toContain(`instance store of ${instance.type} (2 × 75 GB ssd) is in no snapshot: it is lost when the instance stops`);
});

test("a permissions boundary is taken as the policies of the role are", async () => {
  const arn = `arn:aws:iam::${worldNames.account}:policy/boundary`;
  rig.world.iam.accounts.get(worldNames.account)?.policies.push({ arn, created: rig.now(), defaultVersion: "v2", versions: { v2: { Version: "2012-10-17" } } });
  const role = {
    Path: "/",
    RoleName: worldNames.web,
    RoleId: "AROAAAAAAAAAAAAAAAAAA",
    Arn: `arn:aws:iam::${worldNames.account}:role/web`,
    CreateDate: rig.now(),
  };
  rig.instead.set("iam:GetRole", () => ({
    xml: { Role: { ...role, PermissionsBoundary: { PermissionsBoundaryType: "PermissionsBoundaryPolicy", PermissionsBoundaryArn: arn } } },
  }));
  const taken = await take();
  expect(linesOf(taken, "iam:GetPolicyVersion").map(({ source, outcome }) => [source.includes(arn), outcome])).toEqual([
    [true, "collected"],
    [false, "collected"],
  ]);
});

test("of a terminated instance what EC2 still knows is taken, and it is said what is gone", async () => {
  const ec2 = new EC2Client({ endpoint: rig.fake.url, region: worldNames.region, credentials: rig.world.users.collector, maxAttempts: 1 });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [worldNames.instance] }));
  ec2.destroy();
  const taken = await take();
  expect(taken.report.detail).toContain("the instance is terminated; it has no network interfaces any more");
  expect(taken.read(linesOf(taken, "ec2:DescribeInstances")[0]?.member ?? "").toString()).toContain("User initiated shutdown");
  expect(linesOf(taken, "ec2:DescribeNetworkInterfaces")).toEqual([]);
});

test("an instance that is gone altogether between plan and state leaves gaps by name, and what the account knows besides", async () => {
  const source = await rig.open();
  rig.world.ec2.instances.length = 0;
  const taken = await gather(source, folder.path);
  expect(taken.report.outcome).toBe("truncated");
  expect(endsOf(taken, "ec2:DescribeInstances")).toEqual([expect.stringMatching(/^unavailable: ec2:DescribeInstances: InvalidInstanceID.NotFound/)]);
  expect(linesOf(taken, "cloudtrail:GetTrailStatus").map(({ outcome }) => outcome)).toEqual(["collected"]);
});
