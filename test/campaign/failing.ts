import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { ActReceipt } from "../../src/core/act.ts";
import { describeError } from "../../src/core/error.ts";
import { noAnchors } from "../../src/ledger/anchors/anchor-policy.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { ORIGIN } from "../ledger/support.ts";
import { type Fault, fullDisk, hasStrace, injectedFault, smallDisk } from "./faults.ts";
import { policyOf } from "./fail-outside.ts";
import { aheadOf, judgeOutside, startOutside } from "./fail-judge.ts";
import { judgeHome } from "./judge-home.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { seeded } from "./seeded.ts";

type Line =
  | { readonly kind: "receipts"; readonly receipts: readonly ActReceipt[] }
  | { readonly kind: "refused" | "not-opened"; readonly tried: string | null; readonly code: string; readonly text: string }
  | { readonly kind: "vouched"; readonly by: "witness" | "mirror" }
  | { readonly kind: "not-vouched"; readonly by: "witness" | "mirror"; readonly code: string; readonly text: string }
  | { readonly kind: "end" };

/**
 * `count` writers on storage that fails: two of three by failing system calls, one of three by a full disk under ledger or head. The
 * writer says what failed and gives no receipt for it; healed, the home starts again with every act that had one.
 */
export async function failing({ seed, count, say }: CampaignWish): Promise<CampaignEnd> {
  const random = seeded(seed);
  const failures: string[] = [];
  const skipped = new Set<string>();
  const tally = { runs: 0, hit: 0, refusals: 0, receipts: 0, vouched: 0, notVouched: 0 };
  using disks = new DisposableStack();
  const strace = hasStrace();
  if (!strace) skipped.add("failing system calls (strace cannot be run)");
  let disk: ReturnType<typeof smallDisk> | null = null;
  try {
    disk = disks.use(smallDisk());
  } catch {
    skipped.add("full disks (no right to mount one, or no mkfs.ext4)");
  }
  for (let i = 0; i < count; i += 1) {
    const base = mkdtempSync(join(tmpdir(), "holdfast-failing-"));
    const full = i % 3 === 2;
    if (full ? disk !== null : strace) {
      const fault = full && disk !== null ? fullDisk(disk, base, random.pick(["ledger", "head", "mirror"]), random) : injectedFault(base, random);
      const { wrong, lines, hit } = await suffer(fault, full || random.int(4) > 0);
      tally.runs += 1;
      if (hit) tally.hit += 1;
      for (const line of lines) {
        if (line.kind === "receipts") tally.receipts += line.receipts.length;
        else if (line.kind === "vouched") tally.vouched += 1;
        else if (line.kind === "not-vouched") tally.notVouched += 1;
        else if (line.kind !== "end") tally.refusals += 1;
      }
      for (const text of wrong) failures.push(`run ${i}, ${fault.name}: ${text}`);
      if (disk !== null) rmSync(join(disk.dir, "home"), { recursive: true, force: true });
    }
    rmSync(base, { recursive: true, force: true });
    if ((i + 1) % 20 === 0) say(`${i + 1} runs, ${failures.length} failures`);
  }
  const left = skipped.size === 0 ? "" : `; SKIPPED: ${[...skipped].join(", ")}`;
  return {
    summary: `failing: seed ${seed}: ${tally.runs} writers on failing storage, ${tally.hit} of them hit: ${tally.refusals} refusals, ${tally.receipts} receipts that all hold after a clean restart; witness and mirror: ${tally.vouched} heads vouched for, ${tally.notVouched} times not, none of them ahead of a receipt${left}`,
    failures,
  };
}

async function suffer(fault: Fault, anchored: boolean): Promise<{ readonly wrong: readonly string[]; readonly lines: readonly Line[]; readonly hit: boolean }> {
  for (const dir of [fault.ledgerDir, fault.headDir, fault.mirrorDir]) mkdirSync(dir, { recursive: true });
  const paths = { ledger: join(fault.ledgerDir, "ledger.db"), head: join(fault.headDir, "head.db"), keys: join(fault.ledgerDir, "keys") };
  const { vkeys } = createLedger(paths, ORIGIN, randomBytes, () => new Date());
  await using outside = anchored ? await startOutside(fault.mirrorDir, vkeys) : null;
  const wrong: string[] = [];
  let lines: readonly Line[] = [];
  let hit = false;
  try {
    const end = await fault.run(outside?.args ?? []);
    lines = end.out
      .split("\n")
      .slice(0, -1)
      .map((line): Line => JSON.parse(line));
    hit = end.hit ?? lines.some(({ kind }) => kind === "refused" || kind === "not-opened");
  } catch (error) {
    wrong.push(`the writer did not end by itself: ${describeError(error)}`);
  } finally {
    fault.heal();
  }
  if (lines.at(-1)?.kind !== "end") wrong.push("the writer's last word is missing");
  const first = lines.findIndex(({ kind }) => kind === "refused" || kind === "not-opened");
  for (const line of lines)
    if ((line.kind === "refused" || line.kind === "not-opened") && (line.code !== "ledger" || !/the ledger|\.db/.test(line.text)))
      wrong.push(`it says ${line.code}: ${line.text}`);
  if (fault.lasting && hit && first < 0) wrong.push("its storage failed for good, and it said nothing");
  if (fault.lasting && first >= 0 && lines.slice(first).some(({ kind }) => kind === "receipts"))
    wrong.push("it gave a receipt on storage that had failed for good");
  const receipts = lines.flatMap((line) => (line.kind === "receipts" ? line.receipts : []));
  const sizes = [0, ...receipts.map(({ checkpoint }) => Number(checkpoint.size))];
  if (outside !== null) wrong.push(...(await aheadOf(Math.max(...sizes), outside)));
  wrong.push(...(await judgeHome(paths, receipts, outside === null ? noAnchors : policyOf(outside))));
  if (outside !== null) wrong.push(...(await judgeOutside(paths, outside)));
  const reader = openReader(paths);
  const recorded = new Set([...reader.acts({})].map(({ reason }) => reason));
  reader.close();
  for (const line of lines)
    if (line.kind === "refused" && line.text.includes("nothing of it counts as recorded") && recorded.has(line.tried))
      wrong.push(`it said that nothing of ${line.tried ?? ""} counts as recorded, and it is there`);
  return { wrong, lines, hit };
}
