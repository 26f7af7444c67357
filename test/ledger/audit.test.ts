import { describe, expect, test } from "vitest";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { damages } from "../damaged/damages.ts";
import { draft, forever, notes, open, opening, tempHome } from "./support.ts";

async function history(paths: LedgerPaths): Promise<void> {
  const recorder = await open(paths);
  await recorder.append([draft("home-made")]);
  await recorder.append([opening("A"), opening("B")]);
  await recorder.append([draft("started", { case: "A", collection: "c-1", lease: 1, once: "c-1/started", reserve: 3 })]);
  await recorder.append([draft("empty", { case: "A", collection: "c-1", lease: 1, once: "c-1/2", exhibits: ["A/002"] }), ...notes(2)]);
  await recorder.append([draft("finished", { case: "A", collection: "c-1", lease: 1, once: "c-1/finished" })]);
  await recorder.close();
}

describe("the audit", () => {
  test("calls a whole ledger intact, at its recomputed size and root, assured by itself only", async () => {
    using home = tempHome();
    await history(home.paths);
    const audit = await auditLedger(home.paths, forever);
    expect(audit).toMatchObject({ verdict: "intact", assurance: "self", problems: [], anchors: [] });
    expect(audit.found.size).toBe("8");
    expect(audit.signed).toEqual(audit.found);
  });

  test("calls a fresh ledger intact", async () => {
    using home = tempHome();
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "0" } });
  });

  test("tells of a collection that was started and not finished, and stays intact", async () => {
    using home = tempHome();
    await history(home.paths);
    const recorder = await open(home.paths);
    await recorder.append([draft("started", { case: "A", collection: "c-2" })]);
    await recorder.close();
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [{ kind: "start-without-end", seq: 8 }] });
  });

  test("stops when it is told to", async () => {
    using home = tempHome();
    await history(home.paths);
    await expect(auditLedger(home.paths, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });

  test("rejects where no key is there to check against", async () => {
    using home = tempHome();
    await expect(auditLedger({ ...home.paths, keys: `${home.dir}/none` }, forever)).rejects.toMatchObject({ code: "config" });
  });
});

describe("the audit of a ledger with", () => {
  test.for(damages)("$name says $verdict, naming $kind", async ({ damage, verdict, kind }) => {
    using home = tempHome();
    await history(home.paths);
    await damage(home.paths);
    const audit = await auditLedger(home.paths, forever);
    expect(audit.problems.map((p) => p.kind)).toContain(kind);
    expect({ verdict: audit.verdict, problems: audit.problems }).toMatchObject({ verdict });
  });

  test.for(
    damages.filter(
      (d) =>
        !["index-altered", "leaf-form", "exhibit-gap", "chain-broken"].includes(d.kind) &&
        !["altered kept note", "tile that should not be", "index tree that leaves out an act"].includes(d.name),
    ),
  )("$name stops the writer before it signs", async ({ damage }) => {
    using home = tempHome();
    await history(home.paths);
    await damage(home.paths);
    await expect(open(home.paths)).rejects.toMatchObject({ name: "HoldfastError" });
  });
});
