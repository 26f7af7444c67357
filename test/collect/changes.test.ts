import { afterEach, describe, expect, test } from "vitest";
import type { Json } from "../../src/core/act.ts";
import type { Collector, Done } from "../../src/core/collector.ts";
import { HoldfastError } from "../../src/core/error.ts";
import type { Held, Holder } from "../../src/core/held.ts";
import type { ObjectState, Receipt } from "../../src/core/vault.ts";
import { type CloudRig, collectorOf, openCloudRig, stepOf } from "./cloud-rig.ts";

let rig: CloudRig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const done = (kind: Done["kind"], detail: string, result: Json = null): Done => ({ kind, detail, result, requestIds: ["req"] });

/** Flags of an account, each changed by the step of its name. */
function account(answers: Readonly<Record<string, () => Done>> = {}): {
  readonly collector: Collector;
  readonly flags: Map<string, boolean>;
  readonly log: string[];
} {
  const flags = new Map<string, boolean>();
  const log: string[] = [];
  const collector = collectorOf({
    before: async ({ id }) => ({ on: flags.get(id) ?? false }),
    async act({ id }) {
      const answer = answers[id]?.();
      if (answer !== undefined) return answer;
      log.push(`set ${id}`);
      flags.set(id, true);
      return done("done", "it is on", { id });
    },
    async undo({ id }, _before, was) {
      if (was === null && flags.get(id) !== true) return done("already", "it never happened");
      log.push(`undo ${id}`);
      flags.set(id, false);
      return done("done", "it is off");
    },
  });
  return { collector, flags, log };
}

describe("what a collection changes", () => {
  test("is put back last first, once, and each is an act", async () => {
    rig = await openCloudRig([stepOf("a", "act"), stepOf("b", "act"), stepOf("c", "act")]);
    const { collector, flags, log } = account({ b: () => done("already", "it was on") });
    await rig.run(collector);
    expect(rig.result()).toMatchObject({ outcome: "collected", changes: [{ outcome: "done" }, { outcome: "already" }, { outcome: "done", undone: null }] });
    expect(await rig.undo(collector)).toMatchObject([
      { step: "c", outcome: "done" },
      { step: "a", outcome: "done" },
    ]);
    expect(await rig.undo(collector)).toEqual([]);
    expect([log, [...flags.values()]]).toEqual([
      ["set a", "set c", "undo c", "undo a"],
      [false, false],
    ]);
    const acts = rig.acts().filter(({ act }) => act === "undone");
    expect(acts.map(({ step, reason }) => [step, reason])).toEqual([
      ["c", "put back"],
      ["a", "put back"],
    ]);
  });

  test("and was refused makes the collection partial, and costs no other step", async () => {
    rig = await openCloudRig([stepOf("a", "act"), stepOf("b", "act")]);
    await rig.run(account({ a: () => done("denied", "not allowed (req)") }).collector);
    expect(rig.result()).toMatchObject({ outcome: "partial", changes: [{ outcome: "denied", detail: "not allowed (req)" }, { outcome: "done" }] });
  });

  test("and broke down is an answer that does not claim to know, and undo looks", async () => {
    rig = await openCloudRig([stepOf("a", "act"), stepOf("b", "act")]);
    const broken = account({
      a: () => {
        throw new HoldfastError("unreachable", "no answer");
      },
    });
    await rig.run(broken.collector);
    expect(rig.result()).toMatchObject({ outcome: "partial", changes: [{ outcome: "failed" }, { outcome: "done" }] });
    expect(rig.result().changes[0]?.detail).toContain("whether it happened is not known");
    expect(await rig.undo(broken.collector)).toMatchObject([
      { step: "b", outcome: "done" },
      { step: "a", outcome: "already", detail: "it never happened" },
    ]);
  });

  test("is not done where the state before cannot be read", async () => {
    rig = await openCloudRig([stepOf("a", "act")]);
    const { collector, log } = account();
    await rig.run({ ...collector, before: () => Promise.reject(new HoldfastError("unreachable", "no answer")) });
    expect(rig.result().changes[0]?.detail).toContain("nothing was done, since the state before could not be read");
    expect(log).toEqual([]);
  });

  test("and was cancelled in the middle gets its end in the record", async () => {
    rig = await openCloudRig([stepOf("a", "act")]);
    const { collector } = account();
    await expect(rig.run({ ...collector, act: () => Promise.reject(new HoldfastError("paused", "killed here")) })).rejects.toThrow("killed here");
    await rig.cancel(collector);
    const changed = rig.acts().filter(({ act }) => act === "changed");
    expect(changed).toMatchObject([{ step: "a", detail: { outcome: "failed", changed: false } }]);
    expect(changed[0]?.detail["text"]).toContain("contain undo");
  });
});

const held: Held = {
  provider: "aws",
  uri: "arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0",
  bytes: 2 ** 30,
  asked: { mode: "snapshot", retainUntil: "2027-01-01T00:00:00Z", legalHold: false },
  reference: { snapshot: "snap-0123456789abcdef0" },
};

function shown(lock: Receipt["lock"], problems: readonly string[]): ObjectState {
  return {
    kind: "present",
    receipt: {
      uri: held.uri,
      version: null,
      bytes: String(held.bytes),
      encoding: "identity",
      checksum: { algorithm: "sha256", type: "full", value: "", partSize: "0" },
      lock,
      mode: "snapshot",
      retainUntil: "2027-01-01T00:00:00Z",
      legalHold: false,
      sealed: problems.length === 0,
      text: "as AWS shows it",
      problems,
      requestIds: ["req"],
    },
  };
}

function holding(state: ObjectState): Collector {
  const holder: Holder = { attest: async () => state, extend: async () => [] };
  return collectorOf({
    open: async () => ({ kind: "held", exhibit: { name: "snap-0123456789abcdef0", held, detail: null, outcome: "collected", requestIds: ["r1"] } }),
    holder,
  });
}

describe("what a provider holds in place", () => {
  const disk = stepOf("disk:vol-1", "exhibit", { kind: "disk" });

  test("is sealed by the lock that the provider shows, has a size and no digest", async () => {
    rig = await openCloudRig([disk]);
    await rig.run(holding(shown("irrevocable", [])));
    expect(rig.result()).toMatchObject({
      outcome: "collected",
      exhibits: [{ outcome: "collected", sha256: null, bytes: String(2 ** 30), stored: { uri: held.uri, sealed: true } }],
    });
    expect(rig.acts().map(({ act }) => act)).toEqual(["planned", "started", "collected", "sealed", "finished"]);
  });

  test("under a lock that was accepted and is not there is not sealed, and the collection is partial", async () => {
    rig = await openCloudRig([disk]);
    await rig.run(holding(shown("none", ["the lock that was set is not shown"])));
    expect(rig.result()).toMatchObject({ outcome: "partial", exhibits: [{ outcome: "collected", stored: { sealed: false } }] });
    expect(rig.result().exhibits[0]?.detail).toContain("the lock that was set is not shown");
  });

  test("and cannot be asked about is not assumed to be locked", async () => {
    rig = await openCloudRig([disk]);
    await rig.run(holding({ kind: "unknown", text: "403" }));
    expect(rig.result()).toMatchObject({ outcome: "partial", exhibits: [{ stored: { lock: "unknown", sealed: false } }] });
  });
});
