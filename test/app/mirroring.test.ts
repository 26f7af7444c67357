import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { homePaths } from "../../src/app/home.ts";
import { type Mirroring, mirroring } from "../../src/app/mirroring.ts";
import { parseConfig } from "../../src/core/config.ts";
import type { Vault } from "../../src/core/vault.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { type FaultProxy, startFaultProxy } from "../clouds/fault-proxy.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { append, copyOf } from "../ledger/mirror-support.ts";
import { forever, notes, open, tempHome } from "../ledger/support.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";

let fake: S3Fake;
let proxy: FaultProxy;
let vault: Vault;
let used = 0;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: Array.from({ length: 10 }, (_, i) => ({ name: `b${i}`, objectLock: true })) });
});
beforeEach(async () => {
  proxy = await startFaultProxy(fake.url, []);
  vault = s3VaultOf({ endpoint: proxy.url, credentials: fake.credentials, bucket: `b${used++}` });
});
afterEach(async () => {
  vault.close();
  await proxy.stop();
});
afterAll(async () => {
  expect(fake.violations).toEqual([]);
  await fake.stop();
});

const config = parseConfig({
  vaults: { main: { kind: "s3", bucket: "b", retain: "1d" } },
  retention: { classes: { litigation: "7y" } },
  anchors: { worm: "main" },
});
function mirrorOf(ledger: LedgerPaths): Mirroring {
  const paths = { ...homePaths("/nowhere", null), ledger };
  return mirroring({ paths, config, vault: async () => vault, clock: () => new Date() }, { look: 600, write: 600, audit: 600 });
}

test("a mirror that is slow is given up after its time, and caught up with when it answers again", async () => {
  using home = tempHome();
  await append(home.paths, 3);
  const mirror = mirrorOf(home.paths);
  proxy.add({ on: "any", times: Number.POSITIVE_INFINITY, does: { kind: "stall-answer", milliseconds: 5000 } });
  const begun = performance.now();
  await mirror.guard(forever);
  expect(await mirror.flush(forever)).toMatchObject({ trouble: { kind: "broken", text: expect.stringContaining("no answer within 0.6 s") } });
  expect(await mirror.standing(forever)).toMatchObject({ pending: null, trouble: { kind: "broken" } });
  expect(await mirror.audit(forever)).toMatchObject({ kind: "unreachable" });
  expect(performance.now() - begun).toBeLessThan(5000);
  proxy.clear();
  expect(await mirror.flush(forever)).toMatchObject({ mirrored: 3, pending: 0, trouble: null });
});

test("what is mirrored is kept for the longest class that the configuration knows, whatever the vault's own term", async () => {
  using home = tempHome();
  await append(home.paths, 1);
  await mirrorOf(home.paths).flush(forever);
  const ends = [...fake.bucket(`b${used - 1}`).keys.values()].map(([newest]) => newest?.retention?.until.getTime() ?? 0);
  expect(ends.length).toBe(3);
  for (const end of ends) expect((end - Date.now()) / 86_400_000).toBeGreaterThan(7 * 365 - 1);
});

test("a writer that is open refuses its next act once the mirror was found to know another history", async () => {
  using home = tempHome();
  await append(home.paths, 3);
  using copy = copyOf(home.dir);
  const mirror = mirrorOf(home.paths);
  const watched = mirror.watch(await open(home.paths));
  // The copy goes on elsewhere, and is mirrored first.
  await append(copy.paths, 5);
  await mirrorOf(copy.paths).flush(forever);
  await watched.append(notes(1));
  await expect(mirror.settle(forever)).rejects.toMatchObject({ code: "rollback", message: expect.stringMatching(/8 entries, and this ledger has 4/) });
  await expect(watched.append(notes(1))).rejects.toMatchObject({ code: "rollback" });
  await watched.close();
  await expect(mirrorOf(home.paths).guard(forever)).rejects.toMatchObject({ code: "rollback" });
});

test("acts that follow one another are mirrored at most once a second, and the last of them at the end", async () => {
  using home = tempHome();
  const mirror = mirrorOf(home.paths);
  const watched = mirror.watch(await open(home.paths));
  for (let i = 0; i < 40; i += 1) {
    await watched.append(notes(1));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(await mirror.settle(forever)).toMatchObject({ mirrored: 40, trouble: null });
  await watched.close();
  const checkpoints = [...fake.bucket(`b${used - 1}`).keys.keys()].filter((key) => key.includes("/checkpoint/"));
  expect(checkpoints.length).toBeGreaterThan(1);
  expect(checkpoints.length).toBeLessThan(6);
});
