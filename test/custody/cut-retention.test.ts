import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { actDraft } from "../../src/core/act-draft.ts";
import { keptOf, shownLockOf } from "../../src/core/exhibit.ts";
import { outcomeDetailToJson } from "../../src/core/outcome-detail.ts";
import type { Vault } from "../../src/core/vault.ts";
import type { SweepReport, SweptExhibit } from "../../src/core/sweep-report.ts";
import { cutRetention } from "../../src/custody/cut-retention.ts";
import { extendRetention, setHold } from "../../src/custody/lock-acts.ts";
import { sweepRetention } from "../../src/custody/sweep-retention.ts";
import { verifyExhibit } from "../../src/verify/verify-exhibit.ts";
import { approveRequest } from "../../src/custody/second-person.ts";
import type { TwoPersonContext } from "../../src/custody/settle.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { enrolled, type Person, person } from "../ledger/actor-support.ts";
import { forever, open, tempHome } from "../ledger/support.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { inSeconds, receiptOf, requestOf } from "../suite/vault-bench.ts";

const [jane, john] = [person("jane"), person("john")];
let home: ReturnType<typeof tempHome>;
let fake: S3Fake;
const closers: (() => Promise<void> | void)[] = [];
beforeEach(async () => {
  home = tempHome();
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], minPartSize: 1024 });
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await fake.stop();
  home[Symbol.dispose]();
});

/** One exhibit, kept for an hour in a vault of this mode. */
async function collected(mode: "governance" | "compliance"): Promise<Vault> {
  const vault = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" }, { mode, acceptBypassable: true });
  closers.push(() => vault.close());
  const traits = { partSize: 4096, mode, lock: "bypassable", seals: true, versions: true, oneWinner: true, failsProbes: [] } as const;
  const stored = await vault.put(requestOf(traits, bytesOf(50, "x")), forever);
  await enrolled(home.paths, jane, john);
  const recorder = await open(home.paths, { signer: jane.signer });
  const detail = { kind: "state", name: "x", mediaType: "", text: null, files: null, transform: [], reproducible: false, coverage: null, held: null };
  await recorder.append([
    actDraft("case-opened", jane.actor, { case: "A", detail: { severity: "high", sensitivity: "internal" } }),
    actDraft("started", jane.actor, { case: "A", reserve: 1 }),
    actDraft("collected", jane.actor, {
      case: "A",
      exhibits: ["A/001"],
      stored: await receiptOf(vault, stored),
      detail: outcomeDetailToJson({ ...detail, put: { ...stored, encoding: "identity" } }),
    }),
  ]);
  await recorder.close();
  return vault;
}
async function as(who: Person, vault: Vault): Promise<TwoPersonContext> {
  const recorder = await open(home.paths, { signer: who.signer });
  const reader = openReader(home.paths);
  closers.push(
    () => reader.close(),
    () => recorder.close(),
  );
  const [vaultOf, holderOf] = [async () => vault, async () => null];
  return { reader, recorder, vaultOf, holderOf, clock: () => new Date(), actor: who.actor, reason: "kept too long", authority: null };
}

test("a governance lock is shortened to exactly the date that two persons agreed to", async () => {
  const vault = await collected("governance");
  const [soon, sooner] = [inSeconds(120), inSeconds(60)];
  const asked = await cutRetention(await as(jane, vault), ["A/001"], soon, forever);
  if (asked.kind !== "waiting") throw new Error("nobody was asked");
  await approveRequest(await as(john, vault), asked.request.request, null);
  expect(await cutRetention(await as(jane, vault), ["A/001"], sooner, forever)).toMatchObject({ kind: "waiting", request: { request: "3" } });
  const done = await cutRetention(await as(jane, vault), ["A/001"], soon, forever);
  expect(done).toMatchObject({ kind: "settled", changes: [{ ok: true, receipt: { retainUntil: soon, problems: [] } }] });
  const { reader } = await as(jane, vault);
  const acts = [...reader.acts({ exhibit: "A/001" })];
  expect([keptOf(acts), shownLockOf(acts)]).toMatchObject([{ put: { asked: { retainUntil: soon } } }, { retainUntil: soon }]);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

test("a compliance lock is shortened by nobody, and nobody is asked", async () => {
  const vault = await collected("compliance");
  const context = await as(jane, vault);
  await expect(cutRetention(context, ["A/001"], inSeconds(60), forever)).rejects.toMatchObject({
    code: "refused",
    message: expect.stringMatching(/mode compliance/),
  });
  const { reader } = await as(jane, vault);
  const last = reader.act(reader.size() - 1);
  expect([last.act, last.actor, last.detail]).toMatchObject([
    "refused",
    { id: "holdfast", kind: "machine" },
    { act: "retention-cut", actor: { id: jane.actor.id, kind: "person" }, text: expect.stringMatching(/mode compliance/) },
  ]);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

describe("a sweep after a cut", () => {
  /** Cut to that date by both, before each test. */
  async function cut(vault: Vault, until: string): Promise<void> {
    const asked = await cutRetention(await as(jane, vault), ["A/001"], until, forever);
    if (asked.kind !== "waiting") throw new Error("nobody was asked");
    await approveRequest(await as(john, vault), asked.request.request, null);
    await cutRetention(await as(jane, vault), ["A/001"], until, forever);
  }
  async function sweep(vault: Vault, at = new Date()): Promise<{ readonly report: SweepReport; readonly swept: SweptExhibit }> {
    const context = { ...(await as(jane, vault)), reason: "sweep" };
    const seen: SweptExhibit[] = [];
    const report = await sweepRetention(
      {
        reader: context.reader,
        locks: async () => context,
        look: async (reader, id, signal) => (await verifyExhibit(reader, id, context, true, signal)).check,
        retention: { classes: {}, byKind: {}, bySeverity: {}, renewBefore: "30d" },
        retainOf: () => "90d",
        clock: () => at,
      },
      false,
      (swept) => seen.push(swept),
      forever,
    );
    const [swept] = seen;
    if (swept === undefined) throw new Error("there is one exhibit");
    return { report, swept };
  }
  const shown = (): number => [...fake.bucket("evidence").keys.values()][0]?.[0]?.retention?.until.getTime() ?? 0;

  test("what two persons cut is not lengthened again, and the sweep says so", async () => {
    const vault = await collected("governance");
    const soon = inSeconds(120);
    await cut(vault, soon);
    const { report, swept } = await sweep(vault);
    expect([swept.lock, swept.renewal, swept.text, swept.acts]).toEqual(["kept", "cut", expect.stringContaining(soon), []]);
    expect([report.cut, report.renewed, report.broken, report.nextDue, shown()]).toEqual([1, 0, 0, null, Date.parse(soon)]);
  });

  test("when it has run out it has ended, which is no broken promise", async () => {
    const vault = await collected("governance");
    const soon = inSeconds(2);
    await cut(vault, soon);
    await sleep(Date.parse(soon) - Date.now() + 50);
    const { report, swept } = await sweep(vault);
    expect([swept.lock, swept.renewal, report.broken]).toEqual(["ended", "cut", 0]);
  });

  test("a date before the one they decided is broken and given back, and no more than that", async () => {
    const vault = await collected("governance");
    const soon = inSeconds(600);
    await cut(vault, soon);
    for (const versions of fake.bucket("evidence").keys.values())
      Object.assign(versions[0] ?? {}, { retention: { mode: "GOVERNANCE", until: new Date(Date.now() + 60_000) } });
    expect((await sweep(vault)).swept).toMatchObject({ lock: "broken", renewal: "renewed" });
    expect(shown()).toBe(Date.parse(soon) + 1000);
    expect((await sweep(vault)).swept).toMatchObject({ lock: "kept", renewal: "cut" });
  });

  test.for(["a hold", "an extension"] as const)("%s after it changes the state they decided in, and the sweep renews again", async (change) => {
    const vault = await collected("governance");
    await cut(vault, inSeconds(600));
    const context = await as(jane, vault);
    await (change === "a hold" ? setHold(context, "A/001", forever) : extendRetention(context, "A/001", inSeconds(700), forever));
    expect((await sweep(vault)).swept).toMatchObject({ lock: "kept", renewal: "renewed" });
    expect(Math.round((shown() - Date.now()) / 86_400_000)).toBe(90);
  });
});
