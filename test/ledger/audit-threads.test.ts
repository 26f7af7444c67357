import { expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import type { auditHands } from "../../src/ledger/audit/audit-hands.ts";
import { auditThreads } from "../../src/ledger/audit/audit-threads.ts";
import { noAnchors } from "../../src/ledger/anchors/anchor-policy.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { damages } from "../damaged/damages.ts";
import { draft, forever, notes, open, opening, tempHome } from "./support.ts";

const threads: typeof auditHands = (db, origin, signal) => auditThreads({ file: db.name, origin }, signal);

/** More than two pages, with acts of every sort that crosses from thread to thread. */
async function history(paths: LedgerPaths): Promise<void> {
  const recorder = await open(paths);
  await recorder.append([draft("home-made"), opening("A"), opening("B")]);
  await recorder.append([draft("started", { case: "A", collection: "c-1", lease: 1, once: "c-1/started", reserve: 3 }), ...notes(300)]);
  await recorder.append([draft("empty", { case: "A", collection: "c-1", lease: 2, once: "c-1/2", exhibits: ["A/002"] }), ...notes(250)]);
  await recorder.append([draft("finished", { case: "A", collection: "c-1", lease: 2, once: "c-1/finished" })]);
  await recorder.close();
}

test("threads call a whole ledger intact, and find what is wrong with a damaged one word for word as one thread does", async () => {
  for (const { name, damage } of [{ name: "nothing wrong", damage: () => {} }, ...damages]) {
    using home = tempHome();
    await history(home.paths);
    await damage(home.paths);
    expect(await auditLedger(home.paths, forever, noAnchors, threads), name).toEqual(await auditLedger(home.paths, forever));
  }
});

test("an audit by threads stops when it is told to, in the middle", async () => {
  using home = tempHome();
  await history(home.paths);
  const stop = new AbortController();
  const stopping: typeof auditHands = (db, origin, signal) => {
    const hands = threads(db, origin, signal);
    return {
      ...hands,
      page(from, to) {
        if (from > 0) stop.abort(new Error("enough"));
        return hands.page(from, to);
      },
    };
  };
  await expect(auditLedger(home.paths, stop.signal, noAnchors, stopping)).rejects.toThrow("enough");
});

test("a thread that breaks down breaks the audit off, which then says nothing about the ledger", async () => {
  using home = tempHome();
  await history(home.paths);
  const broken: typeof auditHands = (_, origin, signal) => auditThreads({ file: `${home.dir}/none.db`, origin }, signal);
  await expect(auditLedger(home.paths, forever, noAnchors, broken)).rejects.toMatchObject({
    code: "ledger",
    cause: { message: expect.stringMatching(/a thread of the audit broke down/) },
  });
});
