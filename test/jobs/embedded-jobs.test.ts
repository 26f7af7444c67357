import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CollectionOrder, Jobs } from "../../src/core/jobs.ts";
import type { Step } from "../../src/core/plan.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import { embeddedJobs } from "../../src/jobs/embedded-jobs.ts";
import { type Owner, ownerOf } from "../../src/jobs/owner.ts";
import { temporary } from "../story/holdfast.ts";

let time = Date.parse("2026-01-01T00:00:00Z");
const clock = (): Date => new Date(time);
const mine = ownerOf(process.pid, "here");

function deadOwner(): Owner {
  const { pid } = spawnSync(process.execPath, ["-e", "0"]);
  return { machine: "here", pid, started: "long ago" };
}

function step(id: string, exclusive = false): Step {
  return {
    id,
    does: "exhibit",
    lane: "host",
    after: [],
    undoable: false,
    kind: "memory",
    title: id,
    rank: 1,
    calls: [],
    footprint: { writtenBytes: 0, tools: [] },
    estimate: { bytes: null, seconds: null },
    exclusive,
    input: {},
  };
}

function order(collection: string, steps: readonly Step[]): CollectionOrder {
  const window = { since: "2026-01-01T00:00:00.000Z", until: "2026-01-02T00:00:00.000Z" };
  return {
    collection,
    case: "C",
    target: "host:local",
    actor: "jane",
    reason: "r",
    authority: null,
    vault: "here",
    retainUntil: "2027-01-01T00:00:00Z",
    retainMs: 86_400_000,
    legalHold: false,
    compress: "auto",
    plan: { schema: "holdfast.plan/1", target: "host:local", provider: "host", path: "", window, steps, without: [] },
    started: "2026-01-01T00:00:00.000Z",
  };
}

function withJobs(owner: Owner, body: (jobs: Jobs, path: string) => void): void {
  using dir = temporary("jobs");
  const path = join(dir.path, "work.db");
  const jobs = embeddedJobs(path, owner, clock);
  try {
    body(jobs, path);
  } finally {
    jobs.close();
  }
}

describe("leases", () => {
  test("a collection in the hands of a live process is refused to another, naming who", () =>
    withJobs(mine, (jobs, path) => {
      jobs.create(order("a", [step("s")]));
      jobs.lease("a");
      const other = embeddedJobs(path, { machine: "elsewhere", pid: 1, started: "x" }, clock);
      // Another machine cannot look at our process: it waits for the lease to run out.
      expect(() => other.lease("a")).toThrow(new RegExp(String(process.pid)));
      time += 61_000;
      expect(other.lease("a").number).toBe(2);
      other.close();
    }));

  test("a dead owner's lease is taken over at once, with a higher number", () => {
    using dir = temporary("jobs");
    const path = join(dir.path, "work.db");
    const dead = embeddedJobs(path, deadOwner(), clock);
    dead.create(order("a", [step("s")]));
    const old = dead.lease("a");
    const jobs = embeddedJobs(path, mine, clock);
    expect(jobs.view("a")?.state).toBe("interrupted");
    expect(jobs.lease("a").number).toBe(old.number + 1);
    expect(dead.beat(old)).toBe(false);
    expect(() => dead.mark(old, "s", "done")).toThrow(/taken over/);
    expect(() => dead.journal(old, "s", "C/001").begin({ token: "t", partSize: 1 })).toThrow(/taken over/);
    dead.close();
    jobs.close();
  });
});

describe("two collections on one target", () => {
  test("that would disturb each other are refused, naming who and how far; others run side by side", () =>
    withJobs(mine, (jobs) => {
      jobs.create(order("a", [step("memory", true), step("state")]));
      jobs.lease("a");
      expect(() => jobs.create(order("b", [step("memory", true)]))).toThrow(/jane .*0 of 2 steps done.*disturb memory/);
      expect(() => jobs.create(order("c", [step("state")]))).not.toThrow();
    }));
});

describe("the journal of a put", () => {
  const note = { number: 1, bytes: 5, sha256: parseSha256("0".repeat(64)), tag: "e", rawFrom: 0, rawTo: 5, frames: [] };
  test("is there after the process is gone, and forgets on reset", () =>
    withJobs(mine, (jobs, path) => {
      jobs.create(order("a", [step("s")]));
      const lease = jobs.lease("a");
      const journal = jobs.journal(lease, "s", "C/001");
      expect(journal.load()).toBeNull();
      journal.begin({ token: "t", partSize: 8 });
      journal.part(note);
      journal.completing();
      const again = embeddedJobs(path, mine, clock);
      expect(again.journal(lease, "s", "C/001").load()).toEqual({ token: "t", partSize: 8, parts: [note], completing: true });
      expect(again.leftovers("a")).toEqual([{ step: "s", exhibit: "C/001", token: "t" }]);
      journal.reset();
      expect(again.journal(lease, "s", "C/001").load()).toBeNull();
      again.close();
    }));
});
