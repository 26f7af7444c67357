import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { collectionResult } from "../../src/collect/collection-result.ts";
import type { CollectContext, ProgressEvent } from "../../src/collect/context.ts";
import { prepareOrder } from "../../src/collect/prepare-order.ts";
import { cancelCollection, resumeCollection, startCollection } from "../../src/collect/run-collection.ts";
import { type Undone, undoCollection } from "../../src/collect/undo-collection.ts";
import type { Act } from "../../src/core/act.ts";
import type { CollectionResult } from "../../src/core/collection-result.ts";
import type { Collector } from "../../src/core/collector.ts";
import type { CollectionOrder } from "../../src/core/jobs.ts";
import type { Plan, Step } from "../../src/core/plan.ts";
import type { Vault } from "../../src/core/vault.ts";
import { embeddedJobs } from "../../src/jobs/embedded-jobs.ts";
import { ownerOf } from "../../src/jobs/owner.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { actor, open, opening, tempHome } from "../ledger/support.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";

export type CloudRig = {
  readonly order: CollectionOrder;
  readonly vault: Vault;
  readonly events: ProgressEvent[];
  /** Carries the collection out, or goes on with it, with this collector. */
  run(collector: Collector, signal?: AbortSignal): Promise<void>;
  cancel(collector: Collector): Promise<void>;
  undo(collector: Collector): Promise<readonly Undone[]>;
  result(): CollectionResult;
  acts(): readonly Act[];
  close(): Promise<void>;
};

const never = new AbortController().signal;

/** A real ledger, journal and S3 vault around a collector that a test makes up. */
export async function openCloudRig(steps: readonly Step[], vaultOf: (made: Vault) => Vault = (made) => made): Promise<CloudRig> {
  const home = tempHome();
  const recorder = await open(home.paths);
  await recorder.append([opening("C")]);
  const jobs = embeddedJobs(join(home.dir, "work.db"), ownerOf(process.pid, "here"), () => new Date());
  const fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
  const vault = vaultOf(s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" }));
  const plan: Plan = {
    schema: "holdfast.plan/1",
    target: "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0",
    provider: "aws",
    path: "",
    window: { since: "2026-01-01T00:00:00.000Z", until: "2026-01-02T00:00:00.000Z" },
    steps,
    without: [],
  };
  const reader = <T>(look: (reader: ReturnType<typeof openReader>) => T): T => {
    const opened = openReader(home.paths);
    try {
      return look(opened);
    } finally {
      opened.close();
    }
  };
  const found = reader((r) => r.case("C"));
  if (found === null) throw new Error("the case was opened");
  const order = prepareOrder(
    { case: found, plan, reason: "test", authority: null, vault: { name: "s3", retain: "1h" }, retain: null, legalHold: false, compress: "auto" },
    actor,
    { classes: {}, byKind: {}, bySeverity: {}, renewBefore: "30d" },
    () => new Date(),
    randomBytes,
  );
  const events: ProgressEvent[] = [];
  const contextOf = (collector: Collector): CollectContext => ({
    jobs,
    recorder,
    reader,
    collector,
    vault,
    actor,
    clock: () => new Date(),
    progress: (event) => void events.push(event),
  });
  return {
    order,
    vault,
    events,
    async run(collector, signal = never) {
      const view = jobs.view(order.collection);
      if (view === null) await startCollection(contextOf(collector), order, signal);
      else await resumeCollection(contextOf(collector), view, signal);
    },
    cancel: (collector) => cancelCollection(contextOf(collector), order),
    async undo(collector) {
      const lease = jobs.lease(order.collection, "close");
      try {
        return await undoCollection({ ...contextOf(collector), lease }, order, "put back", never);
      } finally {
        jobs.release(lease, "finished");
      }
    },
    result() {
      const view = jobs.view(order.collection);
      if (view === null) throw new Error("the collection was not begun");
      return reader((r) => collectionResult(r, view, new Date()));
    },
    acts: () => reader((r) => [...r.acts({ collection: order.collection })]),
    async close() {
      vault.close();
      jobs.close();
      await recorder.close();
      await fake.stop();
      home[Symbol.dispose]();
    },
  };
}

export function stepOf(id: string, does: Step["does"], more: Partial<Step> = {}): Step {
  return {
    id,
    does,
    kind: does === "act" ? "freeze" : "memory",
    lane: "one",
    after: [],
    undoable: does === "act",
    title: id,
    rank: 0,
    calls: [],
    footprint: { writtenBytes: 0, tools: [] },
    estimate: { bytes: null, seconds: null },
    exclusive: false,
    input: {},
    ...more,
  };
}

/** A collector of which a test gives the parts that its steps need. */
export function collectorOf(parts: Partial<Collector>): Collector {
  const none = (): never => {
    throw new Error("this test does not ask that");
  };
  return {
    provider: "aws",
    plan: none,
    open: none,
    before: none,
    act: none,
    undo: none,
    cleanup: async () => [],
    doctor: async () => [],
    holder: null,
    close: () => Promise.resolve(),
    ...parts,
  };
}
