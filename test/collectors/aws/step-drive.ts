import type { Json } from "../../../src/core/act.ts";
import type { Collector, Done, Opened, StepContext } from "../../../src/core/collector.ts";
import type { Plan, Step } from "../../../src/core/plan.ts";

export type Recorded = { readonly step: string; readonly once: string; readonly done: Done };

/** What the runner keeps of a collection, so that a step can be driven, broken off and driven again. */
export type Drive = {
  readonly collection: string;
  readonly retainUntil: string;
  readonly legalHold: boolean;
  /** Changes that exhibit steps recorded, each once. */
  readonly recorded: readonly Recorded[];
  step(id: string): Step;
  context(id: string): StepContext;
  memory(id: string): Json;
  before(collector: Collector, id: string): Promise<void>;
  /** `before` is read once; `act` as often as it is called until it has ended well. */
  act(collector: Collector, id: string, signal?: AbortSignal): Promise<Done>;
  open(collector: Collector, id: string, signal?: AbortSignal): Promise<Opened>;
  cleanup(collector: Collector, id: string): Promise<readonly string[]>;
};

type Settings = Pick<Drive, "collection" | "retainUntil" | "legalHold">;

export function openDrive(plan: Plan, settings: Settings, signal: AbortSignal): Drive {
  const memory = new Map<string, Json>();
  const befores = new Map<string, Json>();
  const results = new Map<string, Json>();
  const recorded: Recorded[] = [];
  const opened = new Set<string>();

  function step(id: string): Step {
    const found = plan.steps.find((one) => one.id === id);
    if (found === undefined) throw new Error(`the plan has no step ${id}; it has ${plan.steps.map((one) => one.id).join(", ")}`);
    return found;
  }

  function context(id: string): StepContext {
    return {
      case: "C-7",
      ...settings,
      exhibit: step(id).does === "exhibit" ? `C-7/00${plan.steps.indexOf(step(id)) + 1}` : null,
      earlier: (other) => results.get(other) ?? (opened.has(other) ? (memory.get(other) ?? null) : null),
      remembered: () => memory.get(id) ?? null,
      remember: (value) => void memory.set(id, JSON.parse(JSON.stringify(value))),
      async record(once, done) {
        if (!recorded.some((one) => one.step === id && one.once === once)) recorded.push({ step: id, once, done });
      },
    };
  }

  async function before(collector: Collector, id: string, stop: AbortSignal = signal): Promise<void> {
    if (!befores.has(id)) befores.set(id, JSON.parse(JSON.stringify(await collector.before(step(id), context(id), stop))));
  }

  return {
    ...settings,
    recorded,
    step,
    context,
    before,
    memory: (id) => memory.get(id) ?? null,
    async act(collector, id, stop = signal) {
      const own = context(id);
      await before(collector, id, stop);
      const done = await collector.act(step(id), befores.get(id) ?? null, own, stop);
      results.set(id, done.kind === "done" || done.kind === "already" ? JSON.parse(JSON.stringify(done.result)) : null);
      return done;
    },
    async open(collector, id, stop = signal) {
      const found = await collector.open(step(id), context(id), stop);
      opened.add(id);
      return found;
    },
    cleanup: (collector, id) => collector.cleanup(step(id), context(id), signal),
  };
}
