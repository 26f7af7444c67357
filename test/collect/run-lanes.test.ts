import { expect, test } from "vitest";
import { runLanes } from "../../src/collect/run-lanes.ts";
import type { StepState } from "../../src/core/jobs.ts";

const never = new AbortController().signal;

function at(id: string, lane: string, after: readonly string[] = [], state: StepState["state"] = "waiting"): StepState {
  const step = {
    id,
    does: "act",
    kind: "freeze",
    lane,
    after,
    undoable: false,
    title: id,
    rank: 0,
    calls: [],
    footprint: { writtenBytes: 0, tools: [] },
    estimate: { bytes: null, seconds: null },
    exclusive: false,
    input: {},
  } as const;
  return { step, exhibit: null, state, done: 0, total: null, tries: 0, result: null, memory: null };
}

test("a lane keeps its order, lanes run side by side, and a step waits for those of its `after`", async () => {
  const said: string[] = [];
  const memory = Promise.withResolvers<void>();
  await runLanes(
    [at("state", "main"), at("memory", "memory", ["state"]), at("logs", "main"), at("isolate", "contain", ["memory", "logs"])],
    async ({ step }) => {
      said.push(`begin ${step.id}`);
      if (step.id === "memory") await memory.promise;
      if (step.id === "logs") memory.resolve(); // would hang if lanes did not run side by side
      said.push(`end ${step.id}`);
    },
    never,
  );
  expect(said.indexOf("begin memory")).toBeGreaterThan(said.indexOf("end state"));
  expect(said.indexOf("begin logs")).toBeGreaterThan(said.indexOf("end state"));
  expect(said.slice(-2)).toEqual(["begin isolate", "end isolate"]);
});

test("what is done already is not run again, and holds nobody up", async () => {
  const ran: string[] = [];
  await runLanes([at("a", "main", [], "done"), at("b", "other", ["a"])], async ({ step }) => void ran.push(step.id), never);
  expect(ran).toEqual(["b"]);
});

test("the first that breaks down stops the others; its error is told, and none waits for its lane for ever", async () => {
  const stopped: unknown[] = [];
  const running = runLanes(
    [at("memory", "memory"), at("snapshot", "disk"), at("lock", "disk"), at("isolate", "contain", ["lock"])],
    async ({ step }, signal) => {
      if (step.id === "snapshot") throw new Error("the disk broke");
      if (step.id !== "memory") throw new Error(`${step.id} was begun`);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      stopped.push(step.id);
      signal.throwIfAborted();
    },
    never,
  );
  await expect(running).rejects.toThrow("the disk broke");
  expect(stopped).toEqual(["memory"]);
});

test("a step that waits for one that is not in the plan is refused before anything runs", async () => {
  const ran: string[] = [];
  await expect(runLanes([at("a", "main"), at("b", "main", ["c"])], async ({ step }) => void ran.push(step.id), never)).rejects.toThrow(/waits for c/);
  expect(ran).toEqual([]);
});
