import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { type CollectJson, holdfast, holdfastJson, startHoldfast, temporary, type VerifyJson } from "./holdfast.ts";
import { flipBit, makeImage, sha256sum } from "./images.ts";
import { killAndResume, seeded } from "./kill-and-resume.ts";
import { s3Home } from "./s3-home.ts";

const mib = 1024 * 1024;
type CustodyJson = { readonly acts: readonly { readonly act: string }[] };

async function actsOf(exhibit: string, home: string): Promise<readonly string[]> {
  return (await holdfastJson<CustodyJson>(["custody", exhibit], { home })).json.acts.map((act) => act.act);
}

describe("kill -9 and resume", () => {
  test("into a directory: one object with the same bytes, one outcome, however often it is killed", async () => {
    using dir = temporary("kill");
    const image = join(dir.path, "disk.img");
    makeImage(image, 300 * mib, 4);
    const home = join(dir.path, "home");
    const seed = Date.now() % 1_000_000;
    const killed = await killAndResume(
      ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image],
      { home },
      4,
      1500,
      seeded(seed),
    );
    const exhibit = killed.result.collections[0]?.exhibits[0];
    expect([killed.code, exhibit?.outcome, exhibit?.sha256], `seed ${seed}`).toEqual([0, "collected", sha256sum(image)]);
    expect(
      (await actsOf("K/001", home)).filter((act) => act === "collected"),
      `seed ${seed}`,
    ).toHaveLength(1);
    expect((await holdfastJson<VerifyJson>(["verify"], { home })).json.verdict).toBe("intact");
  });

  test("into S3: one version, one collected and one sealed act", async () => {
    using dir = temporary("kill-s3");
    const image = join(dir.path, "disk.img");
    makeImage(image, 120 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [{ on: "any", times: Number.POSITIVE_INFINITY, does: { kind: "slow", bytesPerSecond: 150 * mib } }]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const seed = Date.now() % 1_000_000;
      const killed = await killAndResume(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--vault", "main", "--compress", "none"],
        options,
        4,
        1500,
        seeded(seed),
      );
      const exhibit = killed.result.collections[0]?.exhibits[0];
      expect([killed.code, exhibit?.outcome, exhibit?.stored?.sealed, exhibit?.sha256], `seed ${seed}`).toEqual([0, "collected", true, sha256sum(image)]);
      const acts = await actsOf("K/001", options.home);
      expect([acts.filter((act) => act === "collected").length, acts.filter((act) => act === "sealed").length], `seed ${seed}`).toEqual([1, 1]);
      expect(fake.violations).toEqual([]);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test("a source that changed before a resume is caught, with the place, and nothing is stored of it", async () => {
    using dir = temporary("changed");
    const image = join(dir.path, "disk.img");
    makeImage(image, 300 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [
      { on: "UploadPart", from: 12, times: Number.POSITIVE_INFINITY, does: { kind: "stall", milliseconds: 60_000 } },
    ]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const { child, ended } = startHoldfast(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--vault", "main", "--compress", "none"],
        options,
      );
      await expect
        .poll(() => fake.requests.filter((r) => r.operation === "UploadPart" && r.status === 200).length, { timeout: 20_000 })
        .toBeGreaterThanOrEqual(5);
      await new Promise((resolve) => setTimeout(resolve, 300));
      child.kill("SIGKILL");
      await ended;
      proxy.clear();
      flipBit(image, 8 * mib + 4096 + 77);
      const { json } = await holdfastJson<{ collections: { collection: string }[] }>(["status"], options);
      const resumed = await holdfastJson<CollectJson>(["resume", json.collections[0]?.collection ?? ""], options);
      const exhibit = resumed.json.collections[0]?.exhibits[0];
      expect([resumed.code, exhibit?.outcome, exhibit?.stored]).toEqual([4, "failed", null]);
      expect(exhibit?.detail).toMatch(/source changed/);
      const range = /(\d+)\D+(\d+)/.exec(exhibit?.detail?.replace(/.*bytes/, "") ?? "");
      expect(Number(range?.[1])).toBeLessThanOrEqual(8 * mib + 4096 + 77);
      expect(Number(range?.[2])).toBeGreaterThan(8 * mib + 4096 + 77);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test("Ctrl-C once: exit 130, the command to go on, and it goes on", async () => {
    using dir = temporary("sigint");
    const image = join(dir.path, "disk.img");
    makeImage(image, 300 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [{ on: "UploadPart", times: Number.POSITIVE_INFINITY, does: { kind: "slow", bytesPerSecond: 20 * mib } }]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const { child, ended } = startHoldfast(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "disk-image", "--disk", image, "--vault", "main", "--compress", "none"],
        options,
      );
      await expect.poll(() => fake.requests.filter((r) => r.operation === "UploadPart").length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
      child.kill("SIGINT");
      const ran = await ended;
      expect(ran.code).toBe(130);
      const command = /holdfast resume (\S+)/.exec(ran.stderr)?.[1] ?? "";
      proxy.clear();
      const resumed = await holdfastJson<CollectJson>(["resume", command], options);
      expect([resumed.code, resumed.json.collections[0]?.exhibits[0]?.stored?.sealed]).toEqual([0, true]);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test("a live stream starts again under a new number, and both facts are in the record", async () => {
    using dir = temporary("again");
    const logs = join(dir.path, "logs");
    mkdirSync(logs);
    for (let i = 0; i < 30; i++) writeFileSync(join(logs, `app-${i}.log`), Buffer.alloc(4 * mib, `line ${i}\n`));
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [
      { on: "UploadPart", from: 3, times: Number.POSITIVE_INFINITY, does: { kind: "stall", milliseconds: 60_000 } },
    ]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const { child, ended } = startHoldfast(
        ["collect", "host:local", "--case", "K", "--reason", "r", "--kind", "access-logs", "--log", logs, "--vault", "main"],
        options,
      );
      await expect.poll(() => proxy.fired.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
      child.kill("SIGKILL");
      await ended;
      proxy.clear();
      const { json } = await holdfastJson<{ collections: { collection: string }[] }>(["status"], options);
      const resumed = await holdfastJson<CollectJson>(["resume", json.collections[0]?.collection ?? ""], options);
      const exhibits = resumed.json.collections[0]?.exhibits ?? [];
      expect(exhibits.map((e) => [e.id, e.outcome])).toEqual([
        ["K/001", "failed"],
        ["K/002", "collected"],
      ]);
      expect(exhibits[0]?.detail).toMatch(/new number/);
      expect(
        createHash("sha256")
          .update(await fetched("K/002", dir.path, options))
          .digest("hex"),
      ).toBe(exhibits[1]?.sha256);
      expect((await holdfast(["ledger", "audit"], options)).code).toBe(0);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });
});

async function fetched(exhibit: string, dir: string, options: { home: string }): Promise<Buffer> {
  const out = join(dir, "fetched");
  const ran = await holdfast(["fetch", exhibit, "--out", out, "--reason", "check"], options);
  expect(ran.code, ran.stderr).toBe(0);
  return readFileSync(out);
}
