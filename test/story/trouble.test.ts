import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Fault, startFaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { type CollectJson, holdfast, holdfastJson, type Ran, temporary, type VerifyJson } from "./holdfast.ts";
import { makeImage } from "./images.ts";
import { s3Home } from "./s3-home.ts";

const mib = 1024 * 1024;
const collectImage = ["collect", "host:local", "--case", "T", "--reason", "r", "--kind", "disk-image", "--compress", "none", "--disk"];

/** Whether loop devices can be had: they need root and a kernel that gives them. */
function loops(): boolean {
  try {
    execFileSync("losetup", ["-f"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

describe("a store that misbehaves", () => {
  const faults: readonly { readonly name: string; readonly faults: readonly Fault[]; readonly code: number; readonly sealed: boolean }[] = [
    {
      name: "answers 503 for a while: sealed all the same",
      faults: [{ on: "UploadPart", times: 5, does: { kind: "answer", status: 503, code: "SlowDown" } }],
      code: 0,
      sealed: true,
    },
    {
      name: "resets after the commit of a part: looked at, sealed",
      faults: [{ on: "UploadPart", from: 2, times: 1, does: { kind: "reset-after" } }],
      code: 0,
      sealed: true,
    },
    {
      name: "loses the answer to Complete: looked at, one object, sealed",
      faults: [{ on: "CompleteMultipartUpload", times: 1, does: { kind: "reset-after" } }],
      code: 0,
      sealed: true,
    },
    {
      name: "says 200 with an error to Complete: looked at, sealed",
      faults: [{ on: "CompleteMultipartUpload", times: 1, does: { kind: "error-in-200", code: "InternalError", commit: false } }],
      code: 0,
      sealed: true,
    },
    {
      name: "stalls for seconds: waited for, sealed",
      faults: [{ on: "UploadPart", from: 2, times: 1, does: { kind: "stall", milliseconds: 4000 } }],
      code: 0,
      sealed: true,
    },
    {
      name: "turns a bit of a part on its way: refused by digest, sent again, sealed",
      faults: [{ on: "UploadPart", from: 3, times: 1, does: { kind: "corrupt-request", offset: 4097 } }],
      code: 0,
      sealed: true,
    },
  ];
  test.for(faults)("$name", async ({ faults: script, code, sealed }) => {
    using dir = temporary("fault");
    const image = join(dir.path, "disk.img");
    makeImage(image, 60 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, script);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const ran = await holdfastJson<CollectJson>([...collectImage, image], options);
      expect([ran.code, ran.json.collections[0]?.exhibits[0]?.stored?.sealed], ran.stderr).toEqual([code, sealed]);
      expect(proxy.fired.length).toBeGreaterThan(0);
      expect((await holdfastJson<VerifyJson>(["verify", "--quick"], options)).json.exhibits.map((e) => [e.verdict, e.method])).toEqual([
        ["intact", "store-sha256"],
      ]);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test.for<{ readonly name: string; readonly fault: Fault }>([
    {
      name: "credentials that lapse pause the collection (130), and resume goes on",
      fault: { on: "UploadPart", from: 5, times: Number.POSITIVE_INFINITY, does: { kind: "answer", status: 400, code: "ExpiredToken" } },
    },
    {
      name: "503 without end: paused (130), nothing lost, and resume goes on once it answers",
      fault: { on: "UploadPart", from: 2, times: Number.POSITIVE_INFINITY, does: { kind: "answer", status: 503, code: "SlowDown" } },
    },
  ])("$name", async ({ fault }) => {
    using dir = temporary("paused");
    const image = join(dir.path, "disk.img");
    makeImage(image, 100 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "vault", objectLock: true }] });
    const proxy = await startFaultProxy(fake.url, [fault]);
    try {
      const options = s3Home(dir.path, proxy.url, fake.credentials);
      const ran = await holdfast([...collectImage, image], options);
      expect(ran.code, ran.stderr).toBe(130);
      proxy.clear();
      const resumed = await holdfastJson<CollectJson>(["resume", resumeId(ran)], options);
      expect([resumed.code, resumed.json.collections[0]?.exhibits[0]?.stored?.sealed]).toEqual([0, true]);
    } finally {
      await proxy.stop();
      await fake.stop();
    }
  });

  test("a vault that is not there: exit 8, nothing lost, resumable", async () => {
    using dir = temporary("gone");
    const image = join(dir.path, "disk.img");
    makeImage(image, 20 * mib, 4);
    const fake = await startS3Fake({ buckets: [{ name: "another", objectLock: true }] });
    try {
      const options = s3Home(dir.path, fake.url, fake.credentials);
      const ran = await holdfast([...collectImage, image], options);
      expect(ran.code, ran.stderr).toBe(8);
      expect(ran.stderr).toMatch(/holdfast resume \S+/);
    } finally {
      await fake.stop();
    }
  });
});

describe("a target that misbehaves", () => {
  test.skipIf(!loops())(
    "a device that cannot be read in its middle: bad ranges are named, the rest is taken, exit 4 (needs root and loop devices)",
    async () => {
      using dir = temporary("eio");
      const backing = join(dir.path, "backing.img");
      makeImage(backing, 12 * mib, 4);
      const device = execFileSync("losetup", ["-f", "--show", backing], { encoding: "utf8" }).trim();
      try {
        truncateSync(backing, 8 * mib); // the device keeps its size; what is behind it is gone
        const { code, json } = await holdfastJson<CollectJson>([...collectImage, device], { home: join(dir.path, "home") });
        const exhibit = json.collections[0]?.exhibits[0];
        expect([code, exhibit?.outcome], JSON.stringify(exhibit)).toEqual([4, "truncated"]);
        expect(exhibit?.bytes).toBe(String(12 * mib));
        expect(JSON.stringify(exhibit?.coverage)).toContain(String(8 * mib));
      } finally {
        execFileSync("losetup", ["-d", device]);
      }
    },
  );

  test.skipIf(!loops())(
    "a full disk under the vault: exit 8 with what to do, nothing half-visible, and resume ends it once there is space (needs root and loop devices)",
    async () => {
      using dir = temporary("full");
      const small = join(dir.path, "small.img");
      writeFileSync(small, "");
      truncateSync(small, 48 * mib);
      execFileSync("mkfs.ext4", ["-q", small]);
      const mount = join(dir.path, "mount");
      mkdirSync(mount);
      execFileSync("mount", ["-o", "loop", small, mount]);
      try {
        const home = join(dir.path, "home");
        mkdirSync(home);
        writeFileSync(join(home, "holdfast.yaml"), `vaults:\n  tight: {kind: directory, path: ${mount}/vault}\n`);
        const image = join(dir.path, "disk.img");
        makeImage(image, 60 * mib, 3);
        const ran = await holdfast([...collectImage, image, "--vault", "tight"], { home });
        expect(ran.code, ran.stderr).toBe(8);
        expect(ran.stderr).toMatch(/space|ENOSPC/);
        execFileSync("umount", [mount]);
        truncateSync(small, 200 * mib);
        execFileSync("e2fsck", ["-fy", small], { stdio: "ignore" });
        execFileSync("resize2fs", [small], { stdio: "ignore" });
        execFileSync("mount", ["-o", "loop", small, mount]);
        const resumed = await holdfastJson<CollectJson>(["resume", resumeId(ran)], { home });
        expect([resumed.code, resumed.json.collections[0]?.exhibits[0]?.outcome], resumed.stderr).toEqual([0, "collected"]);
        expect((await holdfastJson<VerifyJson>(["verify"], { home })).json.verdict).toBe("intact");
      } finally {
        execFileSync("umount", ["-l", mount], { stdio: "ignore" });
      }
    },
  );
});

function resumeId(ran: Ran): string {
  return /holdfast resume (\S+)/.exec(ran.stderr)?.[1] ?? "";
}
