import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { actDraft } from "../../src/core/act-draft.ts";
import { keptOf, shownLockOf } from "../../src/core/exhibit.ts";
import { outcomeDetailToJson } from "../../src/core/outcome-detail.ts";
import type { Recorder } from "../../src/core/recorder.ts";
import type { Stored, Vault } from "../../src/core/vault.ts";
import { clearHold } from "../../src/custody/clear-hold.ts";
import { disposeOf } from "../../src/custody/dispose.ts";
import { setHold } from "../../src/custody/lock-acts.ts";
import { approveRequest } from "../../src/custody/second-person.ts";
import type { TwoPersonContext } from "../../src/custody/settle.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { enrolled, person, type Person } from "../ledger/actor-support.ts";
import { forever, open, tempHome } from "../ledger/support.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { inSeconds, receiptOf, requestOf } from "../suite/vault-bench.ts";

const [jane, john] = [person("jane"), person("john")];
const traits = { partSize: 4096, mode: "directory", lock: "removable", seals: false, versions: false, oneWinner: true, failsProbes: [] } as const;
let home: ReturnType<typeof tempHome>;
let root = "";
let vault: Vault;
let now = new Date();
const open_: { recorder: Recorder; reader: ReturnType<typeof openReader> }[] = [];

beforeEach(async () => {
  home = tempHome();
  root = mkdtempSync(join(tmpdir(), "holdfast-custody-"));
  now = new Date();
  vault = openDirectoryVault({ name: "here", root, clock: () => now, random: (n) => randomBytes(n), immutable: false });
  await enrolled(home.paths, jane, john);
  const stored = [await put("one"), await put("two")];
  const recorder = await open(home.paths, { signer: jane.signer });
  await recorder.append([
    actDraft("case-opened", jane.actor, { case: "A", detail: { severity: "high", sensitivity: "internal" } }),
    actDraft("started", jane.actor, { case: "A", reserve: 2 }),
    ...(await Promise.all(stored.map(outcome))),
  ]);
  await recorder.close();
});
afterEach(async () => {
  for (const { recorder, reader } of open_.splice(0)) {
    reader.close();
    await recorder.close();
  }
  home[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

function put(name: string): Promise<Stored> {
  return vault.put(requestOf(traits, bytesOf(50, name), { legalHold: true, retainUntil: inSeconds(60) }), forever);
}
async function outcome(stored: Stored, i: number) {
  const detail = { kind: "state", name: "x", mediaType: "", text: null, files: null, transform: [], reproducible: false, coverage: null, held: null };
  const put = { ...stored, encoding: "identity" } as const;
  return actDraft("collected", jane.actor, {
    case: "A",
    exhibits: [`A/00${i + 1}`],
    stored: await receiptOf(vault, stored),
    detail: outcomeDetailToJson({ ...detail, put }),
  });
}
async function as(who: Person, store: Vault = vault): Promise<TwoPersonContext> {
  const recorder = await open(home.paths, { signer: who.signer, clock: () => now });
  const reader = openReader(home.paths);
  open_.push({ recorder, reader });
  return {
    reader,
    recorder,
    vaultOf: async () => store,
    holderOf: async () => null,
    clock: () => now,
    actor: who.actor,
    reason: "matter closed",
    authority: null,
  };
}
const ids = ["A/001", "A/002"];
async function agreed(act: typeof clearHold): Promise<void> {
  const asked = await act(await as(jane), ids, forever);
  if (asked.kind !== "waiting") throw new Error("nobody was asked");
  await approveRequest(await as(john), asked.request.request, null);
}
const actsOf = (context: TwoPersonContext, id: string) => [...context.reader.acts({ exhibit: id })];

describe("what two persons agreed to", () => {
  test("is recorded before the store is asked, and goes on after a crash under the same approval", async () => {
    await agreed(clearHold);
    let calls = 0;
    const failing: Vault = {
      ...vault,
      hold: (ref, on, signal) => {
        calls += 1;
        return calls === 2 ? Promise.reject(new Error("power failed")) : vault.hold(ref, on, signal);
      },
    };
    const context = await as(jane, failing);
    await expect(clearHold(context, ids, forever)).rejects.toThrow("power failed");
    expect(
      actsOf(context, "A/001")
        .slice(-2)
        .map((a) => a.act),
    ).toEqual(["hold-cleared", "changed"]);
    expect(
      actsOf(context, "A/002")
        .slice(-1)
        .map((a) => a.act),
    ).toEqual(["hold-cleared"]);
    const again = await clearHold(await as(jane), ids, forever);
    expect(again).toMatchObject({ kind: "settled", changes: [{ exhibit: "A/002", ok: true, receipt: { legalHold: false } }] });
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
  });

  test("takes the hold out of what is promised and shown, and a new one puts it back", async () => {
    await agreed(clearHold);
    const context = await as(jane);
    expect(shownLockOf(actsOf(context, "A/001"))?.legalHold).toBe(true);
    await clearHold(context, ids, forever);
    expect(keptOf(actsOf(context, "A/001"))).toMatchObject({ put: { asked: { legalHold: false } } });
    expect(shownLockOf(actsOf(context, "A/001"))?.legalHold).toBe(false);
    await expect(clearHold(context, ids, forever)).rejects.toMatchObject({ code: "usage" });
    await setHold(context, "A/001", forever);
    expect(shownLockOf(actsOf(context, "A/001"))?.legalHold).toBe(true);
  });

  test("is not even asked for while an exhibit is held or kept: disposal", async () => {
    const context = await as(jane);
    await expect(disposeOf(context, ids, forever)).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(/legal hold/) });
    await agreed(clearHold);
    await clearHold(context, ids, forever);
    await expect(disposeOf(context, ids, forever)).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(/kept until/) });
    now = new Date(Date.now() + 120_000);
    await agreed(disposeOf);
    // Retention that somebody lengthened at the store meanwhile is respected, though two persons agreed.
    const kept = keptOf(actsOf(context, "A/001"));
    if (kept.kind !== "stored") throw new Error("nothing is stored");
    await vault.extend(kept.put, inSeconds(600), forever);
    await expect(disposeOf(await as(jane), ids, forever)).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/its store keeps it until/),
    });
    now = new Date(Date.now() + 700_000);
    expect(await disposeOf(await as(jane), ids, forever)).toMatchObject({ kind: "settled", changes: [{ ok: true }, { ok: true }] });
    expect(keptOf(actsOf(context, "A/001"))).toEqual({ kind: "nothing" });
  });

  test("of a store that denies the deletion is recorded as not done, and can be repeated", async () => {
    await agreed(clearHold);
    await clearHold(await as(jane), ids, forever);
    now = new Date(Date.now() + 120_000);
    await agreed(disposeOf);
    const denying: Vault = { ...vault, dispose: async () => ({ kind: "denied", text: "AccessDenied", requestIds: ["r-1"] }) };
    expect(await disposeOf(await as(jane, denying), ids, forever)).toMatchObject({
      kind: "settled",
      changes: [{ ok: false, text: "AccessDenied" }, { ok: false }],
    });
    expect(await disposeOf(await as(jane), ids, forever)).toMatchObject({ kind: "settled", changes: [{ ok: true }, { ok: true }] });
  });
});
