import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActReceipt } from "../../src/core/act.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { createLedger } from "../../src/ledger/write/create-ledger.ts";
import { ORIGIN, pathsIn } from "../ledger/support.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { judgeHome } from "./judge-home.ts";
import { type MachineWish, startMachine, victimKernel } from "./power/machine.ts";
import { type DiskRequest, serveDisk } from "./power/nbd-server.ts";
import { programsImage } from "./power/programs.ts";
import { type VolatileDisk, volatileDisk } from "./power/volatile-disk.ts";
import { type Seeded, seeded } from "./seeded.ts";

/** How often a machine that does not sync loses power: enough that one without a loss is no luck. */
const CONTROLS = 1;
const PATIENCE_MS = 180_000;

/**
 * `count` times the power goes while a writer works in a virtual machine, and the disk's cache goes with it: whole, or all but a random
 * half of its sectors. The machine starts again from what is left, again and again. Its control is a writer that does not sync,
 * which must be seen to lose acts.
 */
export async function powerLoss({ seed, count, say }: CampaignWish): Promise<CampaignEnd> {
  const victim = process.env["HOLDFAST_TEST_VICTIM"] ?? "";
  if (victim === "") return { summary: "power-loss: SKIPPED: HOLDFAST_TEST_VICTIM names no virtual machine", failures: ["nothing was tried"] };
  const random = seeded(seed);
  const failures: string[] = [];
  const dir = mkdtempSync(join(tmpdir(), "holdfast-power-"));
  try {
    const machine = { kernel: victimKernel(victim), programs: programsImage(dir) };
    const { dropped, receipts } = await series(dir, machine, "full", count, random, async (i, disk, all) => {
      for (const wrong of await withHome(dir, disk, (home) => judgeHome(pathsIn(home), all))) failures.push(`cut ${i}: ${wrong}`);
      say(`${i + 1} cuts, ${all.length} receipts, ${failures.length} failures`);
    });
    if (dropped === 0) failures.push("no unsynced write was dropped: nothing was shown");
    let lost = 0;
    await series(dir, machine, "off", CONTROLS, random, async (_, disk, all) => {
      lost = await withHome(dir, disk, (home) => Promise.resolve(lostOf(home, all)));
      if (lost === 0) failures.push(`the control, which does not sync, lost none of ${all.length} acts: this campaign cannot see a loss`);
    });
    return {
      summary: `power-loss: seed ${seed}: ${count} losses of power, ${dropped} unsynced sectors dropped: each of ${receipts.length} receipts names an act that is there; the control without sync lost ${lost} acknowledged acts`,
      failures,
    };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

type Judge = (i: number, disk: VolatileDisk, receipts: readonly ActReceipt[]) => Promise<void>;

async function series(
  dir: string,
  machine: Pick<MachineWish, "kernel" | "programs">,
  sync: "full" | "off",
  count: number,
  random: Seeded,
  judge: Judge,
): Promise<{ readonly dropped: number; readonly receipts: readonly ActReceipt[] }> {
  const disk = volatileDisk(newDisk(dir));
  const receipts: ActReceipt[] = [];
  let dropped = 0;
  for (let i = 0; i < count; i += 1) {
    // Ahead of a flush the cache is full of what a commit has written; ahead of a write it may be empty, or hold half a commit.
    const after: CutPoint = { receipts: 1 + random.int(60), request: i % 4 === 3 ? "write" : "flush", requests: random.int(6) };
    receipts.push(...(await run(dir, machine, sync, disk, `${sync}-${i}`, after)));
    dropped += disk.cut(random, sync === "full" && i % 2 === 1 ? 0.5 : 0);
    await judge(i, disk, receipts);
  }
  return { dropped, receipts };
}

/** The power goes at a request of this kind, `receipts` receipts and `requests` such requests after the start; or 100 ms later where no more come. */
type CutPoint = { readonly receipts: number; readonly request: DiskRequest; readonly requests: number };

async function run(
  dir: string,
  machine: Pick<MachineWish, "kernel" | "programs">,
  sync: "full" | "off",
  disk: VolatileDisk,
  name: string,
  after: CutPoint,
): Promise<readonly ActReceipt[]> {
  const socket = join(dir, "disk.sock");
  const serial = join(dir, "console.log");
  const receipts: ActReceipt[] = [];
  let left = after.requests;
  let on = true;
  let failed: string | null = null;
  const cut = (): void => {
    on = false;
    guest.kill();
  };
  const server = await serveDisk(socket, disk, (request) => {
    if (request === after.request && receipts.length >= after.receipts && left-- <= 0) cut();
    return on;
  });
  const guest = startMachine({
    ...machine,
    ...{ socket, console: serial, sync, name },
    onLine(line) {
      if (line.kind === "failed") failed = line.text;
      if (line.kind === "receipts") receipts.push(...line.receipts);
      if (failed !== null) cut();
      else if (receipts.length >= after.receipts) setTimeout(cut, 100);
    },
  });
  const patience = setTimeout(() => {
    failed = "it gave no receipts in time";
    cut();
  }, PATIENCE_MS);
  try {
    await guest.ended;
    if (failed === null && on) failed = "it ended by itself";
    if (failed !== null) throw new Error(`the machine ${name}: ${failed}; its console: ${readFileSync(serial, "utf8").slice(-600)}`);
    return receipts;
  } finally {
    clearTimeout(patience);
    await server.stop();
  }
}

/** A file system with a ledger of size 0 on it. */
function newDisk(dir: string): Buffer {
  const tree = join(dir, "tree");
  mkdirSync(join(tree, "home"), { recursive: true });
  createLedger(pathsIn(join(tree, "home")), ORIGIN, randomBytes, () => new Date());
  const image = join(dir, "new.ext4");
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", tree, image, "48M"], { stdio: "ignore" });
  rmSync(tree, { recursive: true });
  const bytes = readFileSync(image);
  rmSync(image);
  return bytes;
}

/** The home as a restart finds it: the file system's journal played back on a copy of what the disk has kept, its files taken out. */
async function withHome<T>(dir: string, disk: VolatileDisk, look: (home: string) => Promise<T>): Promise<T> {
  const image = join(dir, "kept.ext4");
  writeFileSync(image, disk.contents());
  execFileSync("e2fsck", ["-p", image], { stdio: "ignore" }); // repairs nothing that needs a decision: it would fail
  const out = join(dir, "kept");
  mkdirSync(out);
  execFileSync("debugfs", ["-R", `rdump /home ${out}`, image], { stdio: "ignore" });
  try {
    return await look(join(out, "home"));
  } finally {
    rmSync(out, { recursive: true });
    rmSync(image);
  }
}

function lostOf(home: string, receipts: readonly ActReceipt[]): number {
  const reader = openReader(pathsIn(home));
  const there = new Set([...reader.acts({})].map(({ leafHash }) => leafHash));
  reader.close();
  return receipts.filter(({ leafHash }) => !there.has(leafHash)).length;
}
