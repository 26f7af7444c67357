import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { lies, startLyingProxy } from "../clouds/lying-proxy.ts";
import { toolPath } from "../clouds/setup.ts";
import { makeLockedBucket, placeOf, s3ClientOf } from "../suite/s3-bench.ts";
import { type CollectJson, holdfastJson, temporary, type VerifyJson } from "./holdfast.ts";
import { makeImage } from "./images.ts";
import { s3Home } from "./s3-home.ts";

const run = promisify(execFile);
const servers = inject("servers");
const aws = toolPath(inject("toolCache"), "aws");
const mib = 1024 * 1024;

/** A small collection of both storage shapes: a tar in one part, an image in several. */
function evidence(dir: string): readonly string[] {
  const logs = join(dir, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "line\n".repeat(10_000));
  const image = join(dir, "disk.img");
  makeImage(image, 40 * mib, 4);
  return ["collect", "host:local", "--case", "S", "--reason", "r", "--kind", "access-logs,disk-image", "--log", logs, "--disk", image, "--compress", "none"];
}

for (const name of ["minio", "versitygw"] as const) {
  const found = servers[name];
  describe(`${name} in COMPLIANCE`, () => {
    if (found.kind === "none") return void test.skip(`${name}: ${found.why}`);
    const place = placeOf(found.server, "story");
    test("collected evidence is sealed, its retain-until read back, and the vendor's own client cannot delete it", async () => {
      using dir = temporary(name);
      await makeLockedBucket(place);
      const options = s3Home(dir.path, place.endpoint, place.credentials, place.bucket);
      const { code, json, stderr } = await holdfastJson<CollectJson>(evidence(dir.path), options);
      expect(code, stderr).toBe(0);
      const exhibits = json.collections[0]?.exhibits ?? [];
      expect(exhibits.map((e) => [e.stored?.sealed, e.stored?.lock, e.stored?.mode])).toEqual([
        [true, "irrevocable", "compliance"],
        [true, "irrevocable", "compliance"],
      ]);
      for (const { stored } of exhibits) {
        expect(Date.parse(stored?.retainUntil ?? "")).toBeGreaterThan(Date.now() + 23 * 3_600_000);
        const [bucket, ...key] = (stored?.uri ?? "").replace("s3://", "").split("/");
        const deleting = run(
          aws,
          ["--endpoint-url", place.endpoint, "s3api", "delete-object", "--bucket", bucket ?? "", "--key", key.join("/"), "--version-id", stored?.version ?? ""],
          {
            env: { PATH: process.env["PATH"] ?? "", ...options.env, AWS_DEFAULT_REGION: "us-east-1" },
          },
        );
        await expect(deleting).rejects.toMatchObject({ stderr: expect.stringMatching(/WORM|AccessDenied|Object Lock|object lock/i) });
      }
      const verified = await holdfastJson<VerifyJson>(["verify"], options);
      expect([verified.code, verified.json.exhibits.map((e) => [e.verdict, e.method])]).toEqual([
        0,
        [
          ["intact", "rehash"],
          ["intact", "rehash"],
        ],
      ]);
      const quick = await holdfastJson<VerifyJson>(["verify", "--quick"], options);
      expect(quick.json.exhibits.map((e) => [e.verdict, e.method])).toEqual([
        ["intact", "store-sha256"],
        ["intact", "store-sha256"],
      ]);
    });

    test("the doctor says what the store's lock is worth", async () => {
      using dir = temporary(`${name}-doctor`);
      const doctor = await holdfastJson<{ ok: boolean; checks: { check: string; ok: boolean; fatal: boolean; text: string }[] }>(
        ["doctor"],
        s3Home(dir.path, place.endpoint, place.credentials, place.bucket),
      );
      const shorten = doctor.json.checks.find((check) => /short/i.test(check.check));
      expect(shorten?.ok, JSON.stringify(doctor.json.checks)).toBe(name === "minio");
    });

    test.for(lies.filter((lie) => !/accepted/.test(lie)))("a proxy that lies (%s) never gets `sealed`, and the lie is named", async (lie) => {
      using dir = temporary(`lie-${name}`);
      const liar = await startLyingProxy(place.endpoint, [lie]);
      try {
        const { code, json, stderr } = await holdfastJson<CollectJson>(
          [...evidence(dir.path), "--legal-hold"],
          s3Home(dir.path, liar.url, place.credentials, place.bucket),
        );
        const exhibits = json.collections[0]?.exhibits ?? [];
        // A version that was not named is found by the mark in the metadata of the object itself: no lie is left.
        if (lie === "no-version") return void expect([code, exhibits.map((e) => e.stored?.sealed)], stderr).toEqual([0, [true, true]]);
        expect([code, exhibits.map((e) => e.stored?.sealed)], stderr).toEqual([4, [false, false]]);
        for (const exhibit of exhibits) {
          expect(exhibit.outcome).toBe("collected"); // the bytes are there: nothing is thrown away
          expect(exhibit.stored?.problems.join("; ").length, JSON.stringify(exhibit.stored)).toBeGreaterThan(10);
        }
      } finally {
        await liar.stop();
      }
    });
  });
}

for (const name of ["s3rver", "moto"] as const) {
  const found = servers[name];
  const title = `${name}, which accepts locks and does not keep them, never gets \`sealed\``;
  if (found.kind === "none") test.skip(`${title}: ${found.why}`);
  else
    test(title, async () => {
      using dir = temporary(name);
      const place = placeOf(found.server, "story");
      const { CreateBucketCommand } = await import("@aws-sdk/client-s3");
      const client = s3ClientOf(place);
      await client.send(new CreateBucketCommand({ Bucket: place.bucket, ...(name === "moto" ? { ObjectLockEnabledForBucket: true } : {}) }));
      client.destroy();
      const { code, json, stderr } = await holdfastJson<CollectJson>(evidence(dir.path), s3Home(dir.path, place.endpoint, place.credentials, place.bucket));
      expect([4, 8], stderr).toContain(code);
      for (const exhibit of json.collections.flatMap((c) => c.exhibits)) expect(exhibit.stored?.sealed ?? false).toBe(false);
    });
}
