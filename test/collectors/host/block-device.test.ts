import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lookAtDisk } from "../../../collectors/host/disk-image.ts";
import { placeAt, temporary } from "./gathering.ts";
import { openImage, readAll } from "./image-reading.ts";

const here = placeAt("/");

const loop = loopAvailable();

describe("block devices", () => {
  test.skipIf(!loop)("a loop device has its true size; mounted, it is live and says where", async () => {
    using home = temporary();
    const image = join(home.path, "fs.img");
    writeFileSync(image, "");
    truncateSync(image, 8 * 1024 * 1024);
    execFileSync("mkfs.ext4", ["-q", "-F", image], { stdio: "ignore" });
    const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    const mount = join(home.path, "mnt");
    mkdirSync(mount);
    try {
      expect(await lookAtDisk(here, device)).toEqual({ kind: "disk", size: 8 * 1024 * 1024, device: true, uses: [] });
      expect(await lookAtDisk(here, image)).toMatchObject({ uses: [expect.stringMatching(/^loop\d+ can write to it$/)] });
      execFileSync("mount", [device, mount]);
      try {
        const source = await openImage(device);
        expect(source).toMatchObject({ size: 8 * 1024 * 1024, stable: false });
        expect((await readAll(source, 1 << 20)).length).toBe(8 * 1024 * 1024);
        expect(source.report()).toMatchObject({ outcome: "collected", detail: expect.stringContaining(`mounted at ${mount} (rw)`) });
        await source.close();
      } finally {
        execFileSync("umount", [mount]);
      }
    } finally {
      execFileSync("losetup", ["-d", device]);
    }
  });
});

function loopAvailable(): boolean {
  try {
    execFileSync("losetup", ["--find"], { stdio: "ignore" });
    execFileSync("mkfs.ext4", ["-V"], { stdio: "ignore" });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}
