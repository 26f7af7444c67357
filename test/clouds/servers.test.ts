import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startServer } from "./servers.ts";
import { cacheDirectory, setUp } from "./setup.ts";

test("a stopped server is gone and its directory with it", async () => {
  const server = await startServer("s3rver", "/nowhere");
  expect((await fetch(server.url)).status).toBeLessThan(500);
  await server.stop();
  await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  expect(alive(server.pid)).toBe(false);
});

test("a server that cannot be started is named with its own last words", async () => {
  await expect(startServer("minio", "/nowhere")).rejects.toThrow(/minio ended before it was ready: .*not found|No such file/);
});

test("a tool that cannot be had is named with what to do", async () => {
  const empty = await mkdtemp(join(tmpdir(), "holdfast-cache-"));
  const path = process.env["PATH"];
  try {
    process.env["PATH"] = empty;
    const tools = await setUp(empty, ["venv"]);
    expect(tools).toEqual([{ name: "venv", kind: "missing", why: "python3 is not installed; moto, aws and rclone come by pip" }]);
  } finally {
    process.env["PATH"] = path;
    await rm(empty, { recursive: true, force: true });
  }
});

test("a server does not outlive a test run that was killed", async () => {
  const script = `
    import { startServer } from ${JSON.stringify(new URL("./servers.ts", import.meta.url).href)};
    const { pid, directory } = await startServer("s3rver", "/nowhere");
    console.log(JSON.stringify([pid, directory])); setInterval(() => {}, 1000);`;
  const parent: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  if (parent.stdout === null) throw new TypeError("no pipe");
  const [line] = await once(createInterface(parent.stdout), "line");
  const [pid, directory]: [number, string] = JSON.parse(line);
  expect(alive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false);
  await expect.poll(() => existsSync(directory), { timeout: 5000 }).toBe(false);
});

test("the cache is where the environment says, else in the home", () => {
  expect(cacheDirectory({ HOLDFAST_TEST_CACHE: "/c" })).toBe("/c");
  expect(cacheDirectory({})).toMatch(/\.cache\/holdfast-test$/);
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
