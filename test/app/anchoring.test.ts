import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Anchoring, anchoring } from "../../src/app/anchoring.ts";
import { homePaths } from "../../src/app/home.ts";
import type { ActName } from "../../src/core/act.ts";
import { parseConfig } from "../../src/core/config.ts";
import type { Reader } from "../../src/core/recorder.ts";
import { keptAnchors } from "../../src/ledger/anchors/anchor-store.ts";
import { isUrgent, urgentFrom } from "../../src/ledger/anchors/urgent-acts.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { draft, forever, notes, open, ORIGIN, tempHome } from "../ledger/support.ts";

let home: ReturnType<typeof tempHome>;
let witness: WitnessFake;
let now: Date;
beforeEach(async () => {
  home = tempHome();
  witness = await startWitness("witness.example/w1", ORIGIN, readVkeys(home.paths.keys).vkeys);
  now = new Date();
});
afterEach(async () => {
  await witness.stop();
  home[Symbol.dispose]();
});

/** As one process of ours has it; each call is another process. */
function anchors(ms = 30_000): Anchoring {
  const config = parseConfig({ anchors: { witnesses: [{ name: "w1", url: witness.url, vkey: witness.vkey }] } });
  const paths = { ...homePaths("/nowhere", null), ledger: home.paths };
  return anchoring({ paths, config, fetch, clock: () => now, random: randomBytes }, { ms, asks: isUrgent });
}
async function append(...acts: readonly ActName[]): Promise<void> {
  const recorder = await open(home.paths);
  for (const act of acts) await recorder.append([draft(act, { reason: "r" })]);
  await recorder.close();
}
const kept = (): number => keptAnchors(home.paths).get("witness:w1") ?? 0;
const later = (minutes: number): Date => new Date(now.getTime() + minutes * 60_000);

test.for<ActName>(["sealed", "finished", "cancelled"])("an act %s is anchored at once, and a note only after ten minutes", async (act) => {
  await append("note");
  await anchors().settle(forever);
  await append("note");
  await anchors().settle(forever);
  expect(kept()).toBe(1);
  await append(act, "note");
  await anchors().settle(forever);
  expect(kept()).toBe(4);
  await append("note");
  await anchors().settle(forever);
  expect(kept()).toBe(4);
  now = later(11);
  await anchors().settle(forever);
  expect(kept()).toBe(5);
});

test("what changes hands does not wait either, nor do more acts than anybody would look through", () => {
  const log = (...acts: readonly ActName[]): Parameters<typeof urgentFrom>[0] => ({
    size: () => acts.length,
    act: (seq) => ({ act: acts[seq] }) as ReturnType<Reader["act"]>,
  });
  for (const act of ["transferred", "acknowledged", "released"] as const) expect(urgentFrom(log("note", act, "note"), 1)).toBe(true);
  expect(urgentFrom(log("sealed", "note", "verified", "accessed"), 1)).toBe(false);
  expect(urgentFrom(log(...Array.from({ length: 5000 }, () => "note" as const)), 10)).toBe(true);
});

test("a seal that a crash kept from being anchored is anchored by the next command that records", async () => {
  await append("note");
  await anchors().settle(forever);
  await append("sealed", "note", "note"); // and nobody settles
  await append("note");
  await anchors().settle(forever);
  expect(kept()).toBe(5);
});

test("a seal in a long collection is anchored while it goes on, and no append waits for a slow witness", async () => {
  witness.lie = "slow";
  const anchored = anchors(50);
  const recorder = anchored.watch(await open(home.paths));
  const waits: number[] = [];
  for (let i = 0; i < 30; i += 1) {
    const begun = performance.now();
    await recorder.append([draft("sealed"), ...notes(1)]);
    waits.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(kept()).toBeGreaterThan(0);
  expect(waits.sort((a, b) => a - b)[15]).toBeLessThan(400); // each answer takes 500 ms
  expect(witness.requests).toBeLessThan(12); // one at a time, not one a seal
  await anchored.settle(forever);
  expect(kept()).toBe(60);
  await recorder.close();
});

test.for(["down", "broken-500", "bad-conflict", "other-text"] as const)(
  "a witness that is %s loses no act, is in standing, is not asked again at once, and is tried again a minute later",
  async (lie) => {
    witness.lie = lie;
    const recorder = anchors(1).watch(await open(home.paths));
    await recorder.append([draft("sealed")]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await recorder.append([draft("finished")]);
    await recorder.close();
    await anchors().settle(forever);
    expect(anchors().standing()).toMatchObject([{ anchor: "witness:w1", state: { size: null, trouble: { kind: "broken" } } }]);
    const { requests } = witness;
    witness.lie = null;
    await anchors().settle(forever);
    expect(witness.requests).toBe(requests);
    now = later(1.1);
    await anchors().settle(forever);
    expect(kept()).toBe(2);
    expect(anchors().standing()).toMatchObject([{ state: { size: 2, trouble: null } }]);
  },
);

test("a witness that knows another history is an alarm at every settle, and the next command signs nothing", async () => {
  await append("note");
  await anchors().settle(forever);
  witness.lie = "fork-422";
  await append("sealed");
  expect(await anchors().settle(forever)).toMatchObject([{ kind: "fork" }]);
  expect(await anchors().settle(forever)).toMatchObject([{ kind: "fork" }]);
  await expect(anchors().guard(forever)).rejects.toMatchObject({ code: "fork", message: expect.stringMatching(/Nothing is signed/) });
});
