import { abandonUpload } from "../collect/take-exhibit.ts";
import { collectionResult } from "../collect/collection-result.ts";
import type { CollectContext, ProgressEvent } from "../collect/context.ts";
import { orderAct } from "../collect/order-acts.ts";
import { openCase, type CaseFields, plainCase, prepareOrder } from "../collect/prepare-order.ts";
import { stepContext } from "../collect/step-context.ts";
import { undoCollection, type Undone } from "../collect/undo-collection.ts";
import { cancelCollection, resumeCollection, startCollection } from "../collect/run-collection.ts";
import type { CollectionResult } from "../core/collection-result.ts";
import { HoldfastError } from "../core/error.ts";
import type { CollectionOrder, CollectionView } from "../core/jobs.ts";
import type { Compression } from "../core/part.ts";
import type { Plan, Step, Wish } from "../core/plan.ts";
import { parseTarget } from "../core/target.ts";
import type { Services } from "./services.ts";

export type CollectWish = {
  readonly target: string;
  readonly case: string;
  readonly reason: string;
  readonly authority: string | null;
  readonly wish: Wish;
  readonly vault: string | null;
  readonly retain: string | null;
  readonly legalHold: boolean;
  readonly compress: Compression;
};

/** What the CLI and the API do to collections. */
export type Collecting = {
  plan(target: string, wish: Wish, signal: AbortSignal): Promise<Plan>;
  /** Opens the case if it does not exist and fixes everything that resume will need. Writes nothing but the case. */
  prepare(wish: CollectWish, plan: Plan): Promise<CollectionOrder>;
  /** Writes the order down and leaves it to be driven by `resume`, by this process or another. */
  register(order: CollectionOrder): void;
  start(order: CollectionOrder, progress: (event: ProgressEvent) => void, signal: AbortSignal): Promise<void>;
  resume(collection: string, progress: (event: ProgressEvent) => void, signal: AbortSignal): Promise<void>;
  /** Puts back what its act steps changed, last first. Refused while it runs. */
  undo(collection: string, reason: string | null, progress: (event: ProgressEvent) => void, signal: AbortSignal): Promise<readonly Undone[]>;
  /** Running: asks it to stop. Interrupted: closes it now. */
  cancel(collection: string, warn: (event: ProgressEvent) => void): Promise<"asked" | "cancelled">;
  /** Revokes and removes what a crash left behind; one line for each thing found. */
  cleanup(collection: string, signal: AbortSignal): Promise<readonly string[]>;
  view(collection: string): CollectionView;
  list(): readonly CollectionView[];
  result(collection: string): CollectionResult;
  openCase(id: string, fields: CaseFields, reason: string | null): Promise<void>;
};

/** How long a collection that has ended waits for a store to take the records. Milliseconds. */
const RECORDS_MS = 60_000;

export function collecting(services: Services): Collecting {
  const { clock, random, config, actor } = services;
  const context = async (target: string, vault: string, progress: (event: ProgressEvent) => void): Promise<CollectContext> => ({
    jobs: services.jobs(),
    recorder: await services.recorder(),
    reader: services.reader,
    collector: await services.collector(parseTarget(target)),
    vault: await services.vault(vault),
    actor,
    clock,
    progress,
  });
  const view = (collection: string): CollectionView => {
    const found = services.jobs().view(collection);
    if (found === null) throw new HoldfastError("usage", `there is no collection ${JSON.stringify(collection)}; \`holdfast status\` lists them`);
    return found;
  };
  const silent = (): void => undefined;
  // Not the person's signal: what was collected is sealed and recorded, and this only says so beside it.
  const records = async (order: CollectionOrder, progress: (event: ProgressEvent) => void): Promise<void> => {
    const { writeExhibitRecords } = await import("./exhibit-records.ts"); // a first memory command is sent without it
    for (const text of await writeExhibitRecords(services, order, AbortSignal.timeout(RECORDS_MS))) progress({ kind: "warning", text });
  };
  return {
    async plan(target, wish, signal) {
      const plan = await (await services.collector(parseTarget(target))).plan(parseTarget(target), wish, signal);
      // What was asked for by name and cannot be had is an exhibit with that outcome, not a silence.
      const missing = plan.without.filter(({ kind }) => kind !== "ingested" && wish.kinds?.includes(kind));
      return { ...plan, steps: [...plan.steps, ...missing.map(({ kind, why }) => notOffered(kind, why))] };
    },
    async prepare(wish, plan) {
      const vault = services.vaultConfig(wish.vault);
      await openCase(await services.recorder(), actor, wish.case, plainCase, wish.reason);
      const opened = services.reader((reader) => reader.case(wish.case));
      if (opened === null) throw new HoldfastError("ledger", `case ${wish.case} was opened and is not in the ledger; run \`holdfast ledger audit\``);
      return prepareOrder({ ...wish, case: opened, plan, vault: { name: vault.name, retain: vault.config.retain } }, actor, config.retention, clock, random);
    },
    register: (order) => services.jobs().create(order),
    async start(order, progress, signal) {
      await startCollection(await context(order.target, order.vault, progress), order, signal);
      await records(order, progress);
    },
    async resume(collection, progress, signal) {
      const found = view(collection);
      await resumeCollection(await context(found.order.target, found.order.vault, progress), found, signal);
      await records(found.order, progress);
    },
    async undo(collection, reason, progress, signal) {
      const { order, state } = view(collection);
      if (state === "running") throw new HoldfastError("refused", `collection ${collection} is running; cancel it first, or wait`);
      const lease = services.jobs().lease(collection, "close");
      try {
        return await undoCollection({ ...(await context(order.target, order.vault, progress)), lease }, order, reason, signal);
      } finally {
        services.jobs().release(lease, state);
      }
    },
    async cancel(collection, warn) {
      const found = view(collection);
      if (found.state === "finished" || found.state === "cancelled")
        throw new HoldfastError("refused", `collection ${collection} is ${found.state}; what it sealed stays`);
      const closing = await context(found.order.target, found.order.vault, silent);
      services.jobs().requestCancel(collection);
      if (found.state === "running") return "asked";
      await cancelCollection(closing, found.order);
      await records(found.order, warn);
      return "cancelled";
    },
    async cleanup(collection, signal) {
      const { order, state, steps } = view(collection);
      if (state === "running") throw new HoldfastError("refused", `collection ${collection} is running; cancel it first, or wait`);
      // Nobody may resume while we clean: the two would undo each other's work.
      const lease = services.jobs().lease(collection, "close");
      try {
        const leased = { ...(await context(order.target, order.vault, silent)), lease };
        const found: string[] = [];
        const stays: unknown[] = [];
        for (const { step, exhibit, state: at } of steps) {
          try {
            found.push(...(await leased.collector.cleanup(step, stepContext(leased, order, step.id, exhibit), signal)));
          } catch (error) {
            signal.throwIfAborted();
            stays.push(error); // one share that sticks must not keep the others
          }
          // An unfinished upload of an open step is what resume goes on from; only closed ones are litter.
          if (exhibit !== null && (at === "done" || state === "cancelled") && (await abandonUpload(leased, order, step, exhibit)))
            found.push(`unfinished upload of ${exhibit} removed`);
        }
        if (found.length > 0) await leased.recorder.append([orderAct(order, actor, "cleaned", { lease: lease.number, detail: { found } })]);
        if (stays.length > 0) throw stays[0];
        return found;
      } finally {
        services.jobs().release(lease, state);
      }
    },
    view,
    list: () => services.jobs().list(),
    result: (collection) => services.reader((reader) => collectionResult(reader, view(collection), clock())),
    openCase: async (id, fields, reason) => openCase(await services.recorder(), actor, id, fields, reason),
  };
}

function notOffered(kind: Step["kind"], why: string): Step {
  return {
    id: `not-offered:${kind}`,
    does: "exhibit",
    lane: "not-offered",
    after: [],
    undoable: false,
    kind,
    title: `${kind}: not offered by this target`,
    rank: Number.MAX_SAFE_INTEGER,
    calls: [],
    footprint: { writtenBytes: 0, tools: [] },
    estimate: { bytes: 0, seconds: 0 },
    exclusive: false,
    input: { notOffered: why },
  };
}
