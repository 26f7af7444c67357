import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Answer, Output } from "../../../collectors/aws/client/link.ts";
import type { FaultAction } from "../../clouds/aws/faults.ts";
import { openRig, type Rig } from "./link-rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await rig.close();
});

const group = { GroupName: "q-1", Description: "quarantine" };
const always = Number.POSITIVE_INFINITY;

describe("throttling", () => {
  test("is waited out with full jitter, and every try is told to the budget", async () => {
    rig.fake.faults.add({ on: "ec2:DescribeTags", times: 6, does: { kind: "throttle" } });
    const told: string[] = [];
    const answer = await rig.link().ask("source", null, "ec2:DescribeTags", {}, rig.signal, { throttled: (code) => void told.push(code) });
    expect(answer.kind).toBe("answer");
    expect(told).toEqual(Array(6).fill("RequestLimitExceeded"));
    // random() gives the largest jitter: the bound of each wait, doubling from half a second to 20 s.
    expect(rig.waits.map((ms) => Math.round(ms))).toEqual([500, 1000, 2000, 4000, 8000, 16000]);
  });
  test("does not repeat a call that changes something more than it was refused", async () => {
    rig.fake.faults.add({ on: "ec2:CreateSecurityGroup", times: 3, does: { kind: "throttle" } });
    expect((await rig.link().ask("source", null, "ec2:CreateSecurityGroup", group, rig.signal)).kind).toBe("answer");
    expect(rig.groups).toEqual(["q-1"]);
  });
  test("for ever is unreachable, after twelve tries", async () => {
    rig.fake.faults.add({ on: "logs:DescribeLogGroups", times: always, does: { kind: "throttle" } });
    await expect(rig.link().ask("source", null, "logs:DescribeLogGroups", {}, rig.signal)).rejects.toMatchObject({
      code: "unreachable",
      message: /throttled 12 tries/,
    });
    expect(rig.calls("DescribeLogGroups")).toBe(12);
  });
});

const lost: readonly FaultAction[] = [{ kind: "lost-answer" }, { kind: "reset-before" }, { kind: "server-error" }];

describe.for(lost)("an answer lost by $kind", (does) => {
  test("is asked for again where it only reads, or where a repeat leaves the same state", async () => {
    rig.fake.faults.add({ on: "ec2:*", times: 2, does });
    const link = rig.link();
    expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).kind).toBe("answer");
    rig.fake.faults.add({ on: "ec2:DeleteSecurityGroup", does });
    expect((await link.ask("source", null, "ec2:DeleteSecurityGroup", { GroupId: "sg-1" }, rig.signal)).kind).toBe("answer");
    expect(rig.calls("DeleteSecurityGroup")).toBe(2);
  });
  test("is not asked for again blindly where it changes something", async () => {
    rig.fake.faults.add({ on: "ec2:CreateSecurityGroup", does });
    await expect(rig.link().ask("source", null, "ec2:CreateSecurityGroup", group, rig.signal)).rejects.toMatchObject({
      code: "unreachable",
      message: /it may have happened/,
    });
    expect(rig.calls("CreateSecurityGroup")).toBe(1);
  });
  test("is settled by a look, and asked for again only where nothing happened", async () => {
    rig.fake.faults.add({ on: "ec2:CreateSecurityGroup", does });
    const settle = async (): Promise<Answer<Output<"ec2:CreateSecurityGroup">> | null> =>
      rig.groups.length === 0 ? null : { kind: "answer", value: { GroupId: "sg-1", $metadata: {} }, requestId: "", date: null, wire: null };
    const answer = await rig.link().ask("source", null, "ec2:CreateSecurityGroup", group, rig.signal, { settle });
    expect(answer).toMatchObject({ kind: "answer", value: { GroupId: "sg-1" } });
    expect(rig.groups).toEqual(["q-1"]);
    expect(rig.calls("CreateSecurityGroup")).toBe(does.kind === "lost-answer" ? 1 : 2);
  });
});

test("a service that stays down is unreachable: soon where it never answered, patiently where it did", async () => {
  const link = rig.link();
  rig.fake.faults.add({ on: "ec2:DescribeTags", times: 4, does: { kind: "server-error" } });
  await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({
    code: "unreachable",
    message: /no clear answer in 4 tries/,
  });
  await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal);
  rig.fake.faults.add({ on: "ec2:DescribeTags", times: always, does: { kind: "server-error" } });
  await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "unreachable", message: /in 8 tries/ });
});

test("a try that stands still is cut off and asked again; patience gives it longer", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeTags", does: { kind: "delay", milliseconds: 600 } });
  const link = rig.link({ timeoutMs: 200 });
  expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).kind).toBe("answer");
  expect(rig.waits.length).toBe(1);
  rig.fake.faults.add({ on: "ec2:DescribeTags", does: { kind: "delay", milliseconds: 600 } });
  expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal, { patience: 50 })).kind).toBe("answer");
  expect(rig.waits.length).toBe(1);
});

describe("a refusal is an answer, said in the collector's five words, and never asked again", () => {
  const refusals = [
    ["UnauthorizedOperation", 403, "denied"],
    ["AccessDeniedException", 400, "denied"],
    ["InvalidSnapshot.NotFound", 400, "missing"],
    ["InvalidInstanceID.NotFound", 400, "missing"],
    ["NoSuchEntity", 404, "missing"],
    ["InvocationDoesNotExist", 400, "missing"],
    ["ResourceNotFoundException", 400, "missing"],
    ["TrailNotFoundException", 400, "missing"],
    ["InvalidGroup.Duplicate", 400, "conflict"],
    ["IncorrectState", 400, "conflict"],
    ["IncorrectInstanceState", 400, "conflict"],
    ["EntityAlreadyExists", 409, "conflict"],
    ["DependencyViolation", 400, "conflict"],
    ["ResourceLimitExceeded", 400, "limit"],
    ["SnapshotLimitExceeded", 400, "limit"],
    ["ServiceQuotaExceededException", 402, "limit"],
    ["InvalidParameterValue", 400, "invalid"],
    ["InvalidParameterCombination", 400, "invalid"],
    ["UnsupportedOperation", 400, "invalid"],
    ["ValidationException", 400, "invalid"],
  ] as const;
  test.for(refusals)("%s", async ([code, status, trouble]) => {
    rig.fake.faults.add({
      on: "*",
      times: always,
      does: { kind: "refuse", code, status, message: `${code} it is. Encoded authorization failure message: AAAA` },
    });
    const link = rig.link();
    for (const name of ["ec2:DescribeTags", "logs:DescribeLogGroups", "sts:GetCallerIdentity"] as const)
      expect(await link.ask("source", null, name, {}, rig.signal)).toMatchObject({ kind: "refused", trouble, code, text: `${code} it is.` });
    expect(rig.waits).toEqual([]);
    expect(rig.fake.exchanges.length).toBe(3);
  });
});

test("a code is the one that the service said, and not what the SDK makes of it", async () => {
  rig.fake.faults.add({ on: "sts:*", does: { kind: "refuse", code: "MalformedPolicyDocument", status: 400 } });
  expect(await rig.link().ask("source", null, "sts:GetCallerIdentity", {}, rig.signal)).toMatchObject({ kind: "refused", code: "MalformedPolicyDocument" });
});

test("who paces by a budget of their own is told at once", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeTags", times: always, does: { kind: "throttle" } });
  const told: unknown[] = [];
  const asked = rig.link().ask("source", null, "ec2:DescribeTags", {}, rig.signal, { throttledTries: 1, throttled: (...said) => void told.push(said) });
  await expect(asked).rejects.toMatchObject({ code: "unreachable" });
  expect([told, rig.waits]).toEqual([[["RequestLimitExceeded", null]], []]);
});
