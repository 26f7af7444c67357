import type { Database } from "better-sqlite3";
import { HoldfastError } from "../core/error.ts";
import type { CollectionOrder, CollectionState, CollectionView, Jobs, Lease, StepState } from "../core/jobs.ts";
import type { Clock } from "../core/ports.ts";
import { isAlive, type Owner } from "./owner.ts";
import { asLedgerErrors } from "./ledger-errors.ts";
import { putJournal } from "./put-journal.ts";
import { openWorkDatabase } from "./schema.ts";

/** A lease on another machine is taken over only after this long without a beat. Milliseconds. */
const leaseMs = 60_000;

type CollectionRow = { id: string; target: string; ord: string; state: CollectionState; cancel: number; lease: number; owner: string | null; beat: number };
type StepRow = {
  id: string;
  exhibit: string | null;
  state: StepState["state"];
  done: number;
  total: number | null;
  tries: number;
  result: string | null;
  memory: string | null;
};

/** The embedded engine: one work.db, shared by every process on the home. */
export function embeddedJobs(path: string, owner: Owner, clock: Clock): Jobs {
  return asLedgerErrors(path, openJobs(path, owner, clock));
}

function openJobs(path: string, owner: Owner, clock: Clock): Jobs {
  const db = openWorkDatabase(path);
  const oneCollection = db.prepare<[string], CollectionRow>("SELECT * FROM collection WHERE id=?");
  const allCollections = db.prepare<[], CollectionRow>("SELECT * FROM collection ORDER BY rowid");
  const stepsOf = db.prepare<[string], StepRow>("SELECT * FROM step WHERE collection=? ORDER BY position");

  const held = (row: CollectionRow): boolean => {
    if (row.state !== "running" || row.owner === null) return false;
    const alive = isAlive(JSON.parse(row.owner) as Owner, owner.machine); // written by lease() below
    return alive ?? clock().getTime() - row.beat < leaseMs;
  };

  const viewOf = (row: CollectionRow): CollectionView => {
    const order = JSON.parse(row.ord) as CollectionOrder; // written by create() below
    const rows = new Map(stepsOf.all(row.id).map((step) => [step.id, step]));
    const steps = order.plan.steps.flatMap((step): StepState[] => {
      const at = rows.get(step.id);
      if (at === undefined) return [];
      const { exhibit, state, done, total, tries, result, memory } = at;
      return [{ step, exhibit, state, done, total, tries, result, memory }];
    });
    return { order, state: row.state === "running" && !held(row) ? "interrupted" : row.state, steps };
  };

  const must = (collection: string): CollectionRow => {
    const row = oneCollection.get(collection);
    if (row === undefined) throw new HoldfastError("usage", `there is no collection ${JSON.stringify(collection)}; \`holdfast status\` lists them`);
    return row;
  };

  const guard = (lease: Lease): void => {
    if (must(lease.collection).lease !== lease.number)
      throw new HoldfastError("refused", `collection ${lease.collection}: another process has taken over (lease ${lease.number} is stale); this one stops`);
  };
  const update = (lease: Lease, sql: string, ...values: readonly (string | number | null)[]): void => {
    immediate(db, () => {
      guard(lease);
      db.prepare(sql).run(...values);
    });
  };

  return {
    create(order) {
      immediate(db, () => {
        for (const row of allCollections.all()) if (row.target === order.target && held(row)) refuseDisturbance(viewOf(row), order);
        db.prepare("INSERT INTO collection(id, target, ord, state) VALUES(?,?,?,'interrupted')").run(order.collection, order.target, JSON.stringify(order));
        const insert = db.prepare("INSERT INTO step(collection, id, position, total) VALUES(?,?,?,?)");
        order.plan.steps.forEach((step, position) => {
          insert.run(order.collection, step.id, position, step.estimate.bytes);
        });
      });
    },
    lease(collection, purpose = "drive") {
      return immediate(db, () => {
        const row = must(collection);
        if (purpose === "drive" && (row.state === "finished" || row.state === "cancelled"))
          throw new HoldfastError("refused", `collection ${collection} is ${row.state}; there is nothing left to drive`);
        if (purpose === "drive" && row.cancel === 1)
          throw new HoldfastError("refused", `collection ${collection} was asked to stop; \`holdfast cancel ${collection}\` closes it`);
        if (held(row)) throw new HoldfastError("refused", `collection ${collection} is being driven by process ${ownerText(row)}; wait for it, or cancel it`);
        const order = JSON.parse(row.ord) as CollectionOrder;
        for (const other of allCollections.all())
          if (other.id !== collection && other.target === row.target && held(other)) refuseDisturbance(viewOf(other), order);
        const number = row.lease + 1;
        db.prepare("UPDATE collection SET lease=?, owner=?, beat=?, state='running' WHERE id=?").run(
          number,
          JSON.stringify(owner),
          clock().getTime(),
          collection,
        );
        return { collection, number };
      });
    },
    beat(lease) {
      return db.prepare("UPDATE collection SET beat=? WHERE id=? AND lease=?").run(clock().getTime(), lease.collection, lease.number).changes === 1;
    },
    release: (lease, state) => update(lease, "UPDATE collection SET state=?, owner=NULL WHERE id=?", state, lease.collection),
    assign: (lease, step, exhibit) =>
      update(lease, "UPDATE step SET exhibit=?, result=NULL, identity=NULL, memory=NULL, done=0 WHERE collection=? AND id=?", exhibit, lease.collection, step),
    mark: (lease, step, state) =>
      update(lease, "UPDATE step SET state=?, tries=tries+(?='running') WHERE collection=? AND id=?", state, state, lease.collection, step),
    progress: (lease, step, done, total) => update(lease, "UPDATE step SET done=?, total=? WHERE collection=? AND id=?", done, total, lease.collection, step),
    identify(lease, step, identity) {
      return immediate(db, () => {
        guard(lease);
        const before = db
          .prepare<[string, string], { identity: string | null }>("SELECT identity FROM step WHERE collection=? AND id=?")
          .get(lease.collection, step);
        if (before?.identity == null) db.prepare("UPDATE step SET identity=? WHERE collection=? AND id=?").run(identity, lease.collection, step);
        return before?.identity ?? null;
      });
    },
    keep: (lease, step, result) => update(lease, "UPDATE step SET result=? WHERE collection=? AND id=?", result, lease.collection, step),
    remember: (lease, step, memory) => update(lease, "UPDATE step SET memory=? WHERE collection=? AND id=?", memory, lease.collection, step),
    journal: (lease, step, exhibit) =>
      asLedgerErrors(
        path,
        putJournal(db, lease.collection, step, exhibit, () => guard(lease)),
      ),
    leftovers: (collection) =>
      db.prepare<[string], { step: string; exhibit: string; token: string }>("SELECT step, exhibit, token FROM put WHERE collection=?").all(collection),
    forget(collection, exhibit) {
      immediate(db, () => {
        db.prepare("DELETE FROM put WHERE collection=? AND exhibit=?").run(collection, exhibit);
        db.prepare("DELETE FROM part WHERE collection=? AND exhibit=?").run(collection, exhibit);
      });
    },
    view(collection) {
      const row = oneCollection.get(collection);
      return row === undefined ? null : viewOf(row);
    },
    list: () => allCollections.all().map(viewOf),
    requestCancel: (collection) => void db.prepare("UPDATE collection SET cancel=1 WHERE id=?").run(must(collection).id),
    cancelRequested: (collection) => must(collection).cancel === 1,
    close: () => void db.close(),
  };
}

function ownerText(row: CollectionRow): string {
  const owner = row.owner === null ? null : (JSON.parse(row.owner) as Owner);
  return owner === null ? "unknown" : `${owner.pid} on ${owner.machine}`;
}

function refuseDisturbance(other: CollectionView, order: CollectionOrder): void {
  const mine = order.plan.steps.filter((step) => step.exclusive);
  const theirs = other.steps.filter(({ step, state }) => step.exclusive && state !== "done");
  if (mine.length === 0 || theirs.length === 0) return;
  const done = other.steps.filter((step) => step.state === "done").length;
  throw new HoldfastError(
    "refused",
    `${order.target} is being collected by ${other.order.actor} (collection ${other.order.collection}, ${done} of ${other.steps.length} steps done); ` +
      `${mine.map((step) => step.id).join(", ")} would disturb ${theirs.map(({ step }) => step.id).join(", ")}: wait, or leave these kinds out`,
  );
}

/** BEGIN IMMEDIATE: the write lock is taken before reading, so that two processes cannot both decide from the same state. */
function immediate<T>(db: Database, body: () => T): T {
  return db.transaction(body).immediate();
}
