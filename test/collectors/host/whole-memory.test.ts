import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Place } from "../../../collectors/host/place.ts";
import { removeLeftPipes, wholeMemory } from "../../../collectors/host/whole-memory.ts";
import { makeParent, placeAt, signal, streamOf, temporary } from "./gathering.ts";

function lime(start: bigint, content: Buffer): Buffer {
  const header = Buffer.alloc(32);
  header.write("EMiL", 0, "latin1");
  header.writeUInt32LE(1, 4);
  header.writeBigUInt64LE(start, 8);
  header.writeBigUInt64LE(start + BigInt(content.length) - 1n, 16);
  return Buffer.concat([header, content]);
}

const image = Buffer.concat([lime(0x1000n, Buffer.alloc(300_000, 1)), lime(0x100000n, Buffer.alloc(500_000, 2))]);

/** A root whose kernel "gives memory", and a program in the memory tool's place that is pinned by its digest. */
function machine(root: string, script: string, over: Partial<Place> = {}): Place {
  for (const [path, text] of [
    ["proc/kcore", ""],
    ["proc/iomem", "00001000-0009efff : System RAM\n00100000-00bfffff : System RAM\n"],
    ["proc/meminfo", "MemTotal:       12000 kB\n"],
  ] as const)
    writeFileSync(makeParent(join(root, path)), text);
  mkdirSync(join(root, "dev/shm"), { recursive: true });
  writeFileSync(join(root, "image"), image);
  const tool = join(root, "avml");
  const text = `#!/bin/sh\nfor out; do :; done\nimage=${root}/image\n${script}\n`;
  writeFileSync(tool, text);
  chmodSync(tool, 0o755);
  return placeAt(root, { uid: 0, avml: { path: tool, sha256: createHash("sha256").update(text).digest("hex") }, ...over });
}

async function acquire(place: Place): Promise<{ readonly bytes: Buffer; readonly report: ReturnType<ReturnType<typeof streamOf>["report"]> }> {
  const source = streamOf(await wholeMemory(place));
  const pieces: Buffer[] = [];
  for await (const piece of source.bytes(signal)) pieces.push(Buffer.from(piece));
  const report = source.report();
  await source.close();
  return { bytes: Buffer.concat(pieces), report };
}

describe("the whole memory", () => {
  test("comes through a pipe in tmpfs, walked to its end, and nothing is left behind", async () => {
    using home = temporary();
    const { bytes, report } = await acquire(
      machine(home.path, 'test "$1 $2 $3 $4" = "acquire --compress --source /proc/kcore" && test -p "$out" && cat "$image" > "$out"'),
    );
    expect(bytes.equals(image)).toBe(true);
    expect(report).toMatchObject({ outcome: "collected", detail: expect.stringMatching(/^2 records with 800000 of 12181504 bytes of System RAM/) });
    expect(readdirSync(join(home.path, "dev/shm"))).toEqual([]);
  });

  test.for([
    ["ends with an error after all bytes", 'cat "$image" > "$out"; echo "read error" >&2; exit 3', "truncated", /ended with 3: read error/],
    ["ends well in the middle of a record", 'head -c 400000 "$image" > "$out"', "truncated", /inside a record of 100000-/],
    ["dies before it opens the pipe", "echo cannot >&2; exit 1", "failed", /ended with 1: cannot; it has no whole record/],
    ["gives something else", 'echo hello this is not memory at all, not at all > "$out"', "truncated", /no record header/],
  ] as const)("a tool that %s is never `collected`", async ([, script, outcome, detail]) => {
    using home = temporary();
    const { report } = await acquire(machine(home.path, script));
    expect(report).toMatchObject({ outcome, detail: expect.stringMatching(detail) });
    expect(readdirSync(join(home.path, "dev/shm"))).toEqual([]);
  });

  test("stopping kills the tool and removes the pipe", async () => {
    using home = temporary();
    const source = streamOf(await wholeMemory(machine(home.path, 'echo $$ > "$image.pid"; cat "$image" > "$out"; exec sleep 60')));
    const stop = new AbortController();
    await expect(async () => {
      for await (const _ of source.bytes(stop.signal)) stop.abort();
    }).rejects.toThrow(/abort/i);
    await source.close();
    expect(readdirSync(join(home.path, "dev/shm"))).toEqual([]);
    const pid = execFileSync("cat", [`${home.path}/image.pid`], { encoding: "utf8" }).trim();
    expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/);
  });

  test.for<[string, (root: string) => Place, "denied" | "unavailable", RegExp]>([
    [
      "another digest than the pinned one",
      (root) => machine(root, "exit 0", { avml: { path: join(root, "avml"), sha256: "0".repeat(64) } }),
      "unavailable",
      /was not started/,
    ],
    ["no tool", (root) => machine(root, "exit 0", { avml: null }), "unavailable", /no memory tool is configured/],
    [
      "a tool that is not there",
      (root) => machine(root, "exit 0", { avml: { path: join(root, "none"), sha256: "0".repeat(64) } }),
      "unavailable",
      /cannot be read \(ENOENT\)/,
    ],
    ["an ordinary user", (root) => machine(root, "exit 0", { uid: 1000 }), "denied", /needs root/],
    ["another processor", (root) => machine(root, "exit 0", { arch: "arm64" }), "unavailable", /x86_64 only/],
    ["another system", (root) => machine(root, "exit 0", { platform: "darwin" }), "unavailable", /darwin/],
    ["a kernel without /proc/kcore", (root) => placeAt(root), "unavailable", /no \/proc\/kcore/],
    [
      "kernel lockdown",
      (root) => {
        writeFileSync(makeParent(join(root, "sys/kernel/security/lockdown")), "none integrity [confidentiality]\n");
        return machine(root, "exit 0");
      },
      "unavailable",
      /lockdown/,
    ],
  ])("%s: nothing is started, and the reason is said", async ([, make, outcome, detail]) => {
    using home = temporary();
    expect(await wholeMemory(make(home.path))).toMatchObject({ kind: "none", outcome, detail: expect.stringMatching(detail) });
  });

  test("cleanup removes the pipe of a dead run and leaves a living one alone", async () => {
    using home = temporary();
    const place = machine(home.path, "exit 0");
    for (const pid of [process.pid, 2 ** 22 + 7]) mkdirSync(join(home.path, `dev/shm/holdfast-memory-${pid}-abcdef`));
    expect(await removeLeftPipes(place)).toEqual([expect.stringMatching(/left by process 4194311$/)]);
    expect(await removeLeftPipes(place)).toEqual([]);
    expect(readdirSync(join(home.path, "dev/shm"))).toEqual([`holdfast-memory-${process.pid}-abcdef`]);
  });
});
