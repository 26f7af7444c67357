import { HoldfastError } from "../../src/core/error.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ActContext, runAct } from "../../src/collect/run-act.ts";
import { stepContext } from "../../src/collect/step-context.ts";
import type { ActDraft, Json } from "../../src/core/act.ts";
import type { Collector, Done } from "../../src/core/collector.ts";
import type { CollectionOrder, Jobs, StepState } from "../../src/core/jobs.ts";
import type { Step } from "../../src/core/plan.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import { embeddedJobs } from "../../src/jobs/embedded-jobs.ts";
import { ownerOf } from "../../src/jobs/owner.ts";

const never = new AbortController().signal;
const step: Step = {
  id: "freeze:termination",
  does: "act",
  kind: "freeze",
  lane: "main",
  after: [],
  undoable: true,
  title: "termination protection on",
  rank: 0,
  calls: [],
  footprint: { writtenBytes: 0, tools: [] },
  estimate: { bytes: null, seconds: null },
  exclusive: true,
  input: {},
};
const order: CollectionOrder = {
  collection: "c1",
  case: "C",
  target: "aws:eu-west-1:i-0123456789abcdef0",
  actor: "jane",
  reason: "test",
  authority: null,
  vault: "here",
  retainUntil: "2027-01-01T00:00:00Z",
  retainMs: 1,
  legalHold: false,
  compress: "auto",
  plan: { schema: "holdfast.plan/1", target: "t", provider: "p", path: "", window: { since: "", until: "" }, steps: [step], without: [] },
  started: "2026-01-01T00:00:00.000Z",
};

/** An instance whose protection is one flag, and a provider that may be cut off after it was set. */
class Instance {
  protection = false;
  looks = 0;
  sets = 0;
  cutOff = false;

  readonly collector: Pick<Collector, "before" | "act"> = {
    before: async (): Promise<Json> => {
      this.looks += 1;
      return { protection: this.protection };
    },
    act: async (): Promise<Done> => {
      if (!this.protection) this.sets += 1;
      this.protection = true;
      if (this.cutOff) throw new HoldfastError("paused", "killed here");
      return { kind: "done", detail: "it is on", result: { ids: ["x"] }, requestIds: ["r-1"] };
    },
  };
}

let folder: string;
let jobs: Jobs;
let appended: ActDraft[];
let instance: Instance;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-act-"));
  jobs = embeddedJobs(join(folder, "work.db"), ownerOf(process.pid, "here"), () => new Date());
  jobs.create(order);
  appended = [];
  instance = new Instance();
});
afterEach(() => {
  jobs.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As the ledger: what has the name of an earlier act is not added. */
const recorder: Recorder = {
  close: () => Promise.resolve(),
  append: async (drafts) => {
    for (const draft of drafts) if (draft.once === null || appended.every(({ once }) => once !== draft.once)) appended.push(draft);
    return [];
  },
};

function context(): ActContext {
  return {
    jobs,
    recorder,
    collector: instance.collector,
    actor: { id: "jane", kind: "person", proof: "asserted" },
    lease: jobs.lease("c1"),
    progress: () => {},
  };
}

function now(): StepState {
  const at = jobs.view("c1")?.steps[0];
  if (at === undefined) throw new Error("the step is there");
  return at;
}

test("the state before is recorded before the call, the answer after it", async () => {
  const leased = context();
  await runAct(leased, order, now(), never);
  expect(appended.map(({ act, detail }) => [act, detail])).toEqual([
    ["intended", { text: step.title, before: { protection: false }, undoable: true }],
    ["changed", { text: "it is on", outcome: "done", changed: true, result: { ids: ["x"] } }],
  ]);
  expect(appended[1]?.requestIds).toEqual(["r-1"]);
  expect(now().state).toBe("done");
  expect(stepContext(leased, order, "later", null).earlier(step.id)).toEqual({ ids: ["x"] });
});

test("killed between the call and its record: our own change does not become the state before", async () => {
  instance.cutOff = true;
  const first = context();
  await expect(runAct(first, order, now(), never)).rejects.toThrow("killed here");
  expect([instance.protection, appended.map(({ act }) => act)]).toEqual([true, ["intended"]]);
  jobs.release(first.lease, "interrupted");

  instance.cutOff = false;
  await runAct(context(), order, now(), never);
  expect([instance.looks, instance.sets]).toEqual([1, 1]);
  expect(appended.map(({ act }) => act)).toEqual(["intended", "changed"]);
  expect(appended[0]?.detail["before"]).toEqual({ protection: false });
});

test("an answer that was kept and not recorded is recorded, and nothing is called again", async () => {
  const first = context();
  await runAct({ ...first, recorder: { ...recorder, append: fails(1) } }, order, now(), never).catch(() => undefined);
  jobs.release(first.lease, "interrupted");
  const sets = instance.sets;
  await runAct(context(), order, now(), never);
  expect(instance.sets).toBe(sets);
  expect(appended.map(({ act }) => act)).toEqual(["intended", "changed"]);
});

/** Appends so many times, then no more. */
function fails(good: number): Recorder["append"] {
  let left = good;
  return async (drafts) => {
    if (left-- > 0) return recorder.append(drafts);
    throw new Error("the ledger's disk is full");
  };
}
