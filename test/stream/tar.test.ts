import { execFileSync } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type TarEntry, tarHeader, type TarMember, tarStream } from "../../src/stream/tar.ts";

const home = mkdtempSync(join(tmpdir(), "holdfast-tar-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function member(path: Uint8Array | string, over: Partial<TarMember> = {}): TarMember {
  return {
    path: Buffer.from(path),
    type: "file",
    size: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    owner: "root",
    group: "root",
    mtimeNs: 1_700_000_000_000_000_000n,
    linkTarget: null,
    ...over,
  };
}

async function* pieces(...all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

async function* from(entries: readonly TarEntry[]): AsyncGenerator<TarEntry> {
  yield* entries;
}

async function write(name: string, entries: readonly TarEntry[]): Promise<string> {
  const path = join(home, name);
  const out = createWriteStream(path);
  for await (const piece of tarStream(from(entries))) out.write(piece);
  out.end();
  await finished(out);
  return path;
}

function gnuTar(...args: readonly string[]): string {
  return execFileSync("tar", args, { encoding: "utf8", env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TZ: "UTC" }, stdio: ["ignore", "pipe", "pipe"] });
}

const fileName = fc
  .uint8Array({ minLength: 1, maxLength: 120 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5f : byte))))
  .filter((name) => name.toString() !== "." && name.toString() !== "..");

describe("a pax archive", () => {
  test("unpacks with GNU tar to the same names, bytes, modes and times, whatever the names are", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.record({
            name: fileName,
            content: fc.uint8Array({ maxLength: 1500 }),
            mode: fc.constantFrom(0o600, 0o644, 0o755),
            seconds: fc.integer({ min: -1000, max: 4_000_000_000 }),
            nanos: fc.integer({ min: 0, max: 999_999_999 }),
          }),
          { minLength: 1, maxLength: 4, selector: (file) => file.name.toString("latin1") },
        ),
        async (files) => {
          run += 1;
          const entries = files.map((file) => ({
            member: member(Buffer.concat([Buffer.from("d/"), file.name]), {
              size: file.content.length,
              mode: file.mode,
              mtimeNs: BigInt(file.seconds) * 1_000_000_000n + BigInt(file.nanos),
            }),
            bytes: pieces(file.content),
          }));
          const archive = await write(`run-${run}.tar`, entries);
          const out = join(home, `run-${run}`);
          mkdirSync(out);
          gnuTar("-xf", archive, "-C", out, "--no-same-owner", "-p");
          const names = readdirSync(Buffer.from(join(out, "d")), { encoding: "buffer" });
          expect(names.map((name) => name.toString("hex")).sort()).toEqual(files.map((file) => file.name.toString("hex")).sort());
          for (const file of files) {
            const path = Buffer.concat([Buffer.from(join(out, "d/")), file.name]);
            const stat = statSync(path, { bigint: true });
            expect(readFileSync(path).equals(Buffer.from(file.content))).toBe(true);
            expect(Number(stat.mode) & 0o777).toBe(file.mode);
            expect(stat.mtimeNs).toBe(BigInt(file.seconds) * 1_000_000_000n + BigInt(file.nanos));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a name of 300 bytes in deep folders and a link to a longer place come back whole", async () => {
    const deep = `${"folder/".repeat(35)}${"n".repeat(60)}`;
    const target = "../".repeat(60) + "x".repeat(80);
    const archive = await write("deep.tar", [
      { member: member(deep, { size: 2 }), bytes: pieces(Buffer.from("ok")) },
      { member: member("link", { type: "link", linkTarget: Buffer.from(target) }), bytes: null },
    ]);
    const out = join(home, "deep");
    mkdirSync(out);
    gnuTar("-xf", archive, "-C", out, "--no-same-owner");
    expect(readFileSync(join(out, deep), "utf8")).toBe("ok");
    expect(readlinkSync(join(out, "link"))).toBe(target);
  });

  test("a member larger than 8 GiB, with large ids and a time before 1970, is listed rightly", () => {
    const size = 9 * 1024 ** 3 + 5;
    const header = tarHeader(member("huge", { size, uid: 3_000_000_000, gid: 2_500_000, owner: "u".repeat(40), mtimeNs: -2_000_000_000n }));
    const path = join(home, "huge.tar");
    writeFileSync(path, header);
    truncateSync(path, header.length + Math.ceil(size / 512) * 512 + 1024);
    expect(gnuTar("-tvf", path, "--numeric-owner", "--full-time").trim()).toBe(`-rw-r--r-- 3000000000/2500000 ${size} 1969-12-31 23:59:58 huge`);
    expect(gnuTar("-tvf", path)).toContain("u".repeat(40));
  });

  test.for([
    ["fewer", 10, Buffer.alloc(9)],
    ["more", 10, Buffer.alloc(11)],
  ] as const)("an entry that gives %s bytes than promised breaks the archive instead of shifting it", async ([, size, content]) => {
    await expect(write("wrong.tar", [{ member: member("x", { size }), bytes: pieces(content) }])).rejects.toThrow(/promised 10 bytes/);
  });

  test("an archive of nothing is a valid archive", async () => {
    expect(gnuTar("-tvf", await write("none.tar", []))).toBe("");
  });
});
