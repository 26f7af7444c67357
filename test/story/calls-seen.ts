import { expect } from "vitest";
import { allCalls } from "../collectors/aws/calls-used.ts";
import { openMemoryRig } from "../collectors/aws/memory-rig.ts";
import { stoppedDump } from "../collectors/aws/stopped-dump.ts";
import type { AwsFake } from "../clouds/aws/aws-fake.ts";
import type { AwsStory } from "./aws-story.ts";

/** How the world's buckets were made and filled, by the test itself. */
const planted = new Set(["s3:CreateBucket", "s3:PutObject"]);

/** Calls of the table that no run of the runbook makes, each with a run that does. */
const elsewhere: Readonly<Record<string, () => Promise<ReadonlySet<string>>>> = {
  async "ssm:CancelCommand"() {
    const rig = await openMemoryRig();
    try {
      await stoppedDump(rig, await rig.drive());
      return answered(rig.fake);
    } finally {
      await rig.close();
    }
  },
};

/** The servers saw every call of the table, and no other. An excuse that is no longer needed is a lie. */
export async function expectCallsAsInTable({ fake, s3 }: Pick<AwsStory, "fake" | "s3">): Promise<void> {
  const fromBuckets = (s3?.requests ?? []).filter(({ bucket }) => bucket !== "evidence").map(({ operation }) => `s3:${operation}`);
  const seen = new Set([...answered(fake), ...fromBuckets]);
  const table = new Set<string>(allCalls());
  expect([...seen].filter((name) => !table.has(name) && !planted.has(name))).toEqual([]);
  expect([...table].filter((name) => !seen.has(name))).toEqual(Object.keys(elsewhere));
  for (const [name, run] of Object.entries(elsewhere)) expect(await run()).toContain(name);
}

function answered(fake: AwsFake): ReadonlySet<string> {
  return new Set(fake.exchanges.map(({ service, operation }) => `${service}:${operation}`));
}
