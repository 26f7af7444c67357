import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSnapshotImage } from "../../collectors/aws/disk-image/disk-image.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { facts, plant, quickAccounts } from "../collectors/aws/planted-snapshot.ts";
import { memoryJournal } from "../suite/memory-journal.ts";

const never = new AbortController().signal;

test("a snapshot lies in the vault as the volume was: zstd -d gives its bytes", async () => {
  const planted = plant([3, 15, 16, 17, ...Array.from({ length: 200 }, (_, i) => 300 + i), 1000, 1008, 2047], { pages: [64, 0] });
  const opened = await openSnapshotImage(facts, planted.blocks, quickAccounts()("111122223333", "eu-west-1"), never);
  if (opened.kind !== "source") throw new Error("a source was expected");
  const { source } = opened;
  const root = mkdtempSync(join(tmpdir(), "holdfast-ebs-"));
  try {
    const vault = openDirectoryVault({ name: "here", root, clock: () => new Date(), random: (n) => randomBytes(n), immutable: false });
    await using stream = openPartStream(source, { compress: "auto", replay: [], signal: never });
    const retention = { mode: "directory", retainUntil: "2027-11-25T00:00:00Z", legalHold: false } as const;
    await vault.put({ key: "C/001-x/disk-image.img.zst", mediaType: source.mediaType, retention, stream, journal: memoryJournal() }, never);
    expect(await stream.digest()).toEqual({ sha256: planted.digest(), bytes: 2 ** 30 });
    const said = execFileSync("sh", ["-c", `zstd -dc "$1" | sha256sum`, "sh", join(root, "C/001-x/disk-image.img.zst")], { encoding: "utf8" });
    expect(said.slice(0, 64)).toBe(planted.digest());
  } finally {
    await source.close();
    rmSync(root, { recursive: true });
  }
});
