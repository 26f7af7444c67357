import { existsSync } from "node:fs";
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { scriptHead } from "../../../collectors/aws/memory/guest.ts";
import { transferFunctions } from "../../../collectors/aws/memory/transfer-script.ts";
import { absentShells, busyboxHost, type GuestHost, guestHost, hostPrograms, image, shells } from "./guest-host.ts";
import { batchFor, dumpOf, preflight, token } from "./memory-dump.ts";
import { type PartServer, partServer } from "./part-server.ts";

const partSize = 128 * 1024;
const parts = Math.ceil(image.length / partSize);
const whole = 'test "$1 $2 $3 ${4##*/}" = "acquire --compress --source kcore" && test -p "$out" && cat "$image" > "$out"';

for (const [program] of absentShells) test.skip(`NOT PROVEN: ${program} is not on this machine; the scripts were not run in it`, () => {});

describe.for(shells)("in %s", (shell) => {
  const host = (): GuestHost => (shell[0] === "busybox" ? busyboxHost() : guestHost());

  test("the memory lands part by part with right sums, and nothing is left on the host", async () => {
    using guest = host();
    await using server = await partServer();
    const ready = await preflight(guest, shell);
    expect(ready).toMatchObject({ status: 0, said: "", answer: { ended: "ready", http: "curl", directory: `${guest.shm}/holdfast-memory-${token}` } });
    const run = await guest.run(dumpOf(guest, server, ready, whole, { links: [1, parts] }), shell);
    expect(run).toMatchObject({ status: 0, said: "", answer: { ended: "dumped", toolStatus: 0, parts, bytes: image.length, left: false } });
    expect(server.together().equals(image)).toBe(true);
    expect(run.answer).toMatchObject({
      sha256: createHash("sha256").update(image).digest("hex"),
      toolSha256: guest.tool(whole).sha256,
      md5s: [...server.parts].map(([, bytes]) => createHash("md5").update(bytes).digest("hex")),
    });
    expect(guest.leftovers()).toEqual([]);
  });

  test("sealed tickets open on the host alone: no link stands in the command, none in the answer", async () => {
    using guest = host();
    await using server = await partServer();
    const ready = await preflight(guest, shell);
    const script = dumpOf(guest, server, ready, whole, { links: [1, parts], sealed: true });
    expect(script).not.toContain("X-Amz-Signature=");
    expect(script).not.toContain("http:");
    const run = await guest.run(script, shell);
    expect(run).toMatchObject({ status: 0, answer: { ended: "dumped" } });
    expect(run.out).not.toMatch(/X-Amz|[0-9a-f]{64}.*partNumber|uploadId/);
    expect(server.together().equals(image)).toBe(true);
  });

  test("tickets that come late are waited for, and an old one that is refused is replaced by a newer", async () => {
    using guest = host();
    await using server = await partServer();
    const ready = await preflight(guest, shell);
    server.fault = (number, _tries, signature) => (number > 1 && signature.startsWith("0") ? 403 : null);
    const running = guest.start(dumpOf(guest, server, ready, whole, { links: [1, 2], patience: 60 }), shell);
    await expect.poll(() => server.requests.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(3);
    const dropped = await guest.run(batchFor(guest, server, ready, 1, [2, parts]), shell);
    expect(dropped).toMatchObject({ status: 0, answer: { ended: "dropped", progress: `1 ${partSize}` } });
    expect(await running.ended).toMatchObject({ status: 0, answer: { ended: "dumped", parts, batch: 1 } });
    expect(server.together().equals(image)).toBe(true);
  });

  test("cancelled as the agent does it (SIGKILL for its group), tool and directory are gone a moment later", async () => {
    using guest = host();
    await using server = await partServer();
    const ready = await preflight(guest, shell);
    const tool = 'echo $$ > "$image.pid"; head -c 400000 "$image" > "$out"; exec sleep 300 > "$out"';
    const running = guest.start(dumpOf(guest, server, ready, tool, { links: [1, parts] }), shell);
    await expect.poll(() => server.parts.size, { timeout: 30_000 }).toBeGreaterThanOrEqual(1);
    process.kill(-(running.child.pid ?? 0), "SIGKILL");
    await running.ended;
    await expect.poll(() => guest.leftovers(), { timeout: 15_000 }).toEqual([]);
  });

  test("told to end, it ends the tool, removes everything and says so", async () => {
    using guest = host();
    await using server = await partServer();
    const ready = await preflight(guest, shell);
    const running = guest.start(dumpOf(guest, server, ready, 'head -c 400000 "$image" > "$out"; exec sleep 300 > "$out"', { links: [1, parts] }), shell);
    await expect.poll(() => server.parts.size, { timeout: 30_000 }).toBeGreaterThanOrEqual(1);
    process.kill(running.child.pid ?? 0, "SIGTERM");
    expect(await running.ended).toMatchObject({ status: 54, answer: { ended: "interrupted", left: false } });
    expect(guest.leftovers()).toEqual([]);
  });
});

const dash = shells[0] ?? ["sh"];
type Case = readonly [
  string,
  (server: PartServer) => void,
  { readonly tool?: string; readonly links?: readonly [number, number]; readonly sha256?: string },
  number,
  object,
];

describe("a dump that does not end well", () => {
  test.for<Case>([
    [
      "the tool cannot be fetched",
      (server) => {
        server.tool.status = 403;
      },
      {},
      48,
      { ended: "no-tool-fetch", httpStatus: "403", parts: 0 },
    ],
    ["the tool is another than the pinned one", () => {}, { tool: 'touch "$image.ran"', sha256: "0".repeat(64) }, 49, { ended: "tool-mismatch", parts: 0 }],
    ["the tickets run out", () => {}, { links: [1, 2] }, 51, { ended: "tickets-ran-out", parts: 2, bytes: 2 * partSize }],
    [
      "all tickets are refused",
      (server) => {
        server.fault = () => 403;
      },
      {},
      52,
      { ended: "upload-failed", httpStatus: "403", parts: 0 },
    ],
    [
      "the store stays broken",
      (server) => {
        server.fault = (number) => (number === 3 ? 503 : null);
      },
      {},
      52,
      { ended: "upload-failed", httpStatus: "503", parts: 2 },
    ],
    [
      "the tool ends with an error after all bytes",
      () => {},
      { tool: `${whole}; echo "read error: bad" >&2; exit 3` },
      53,
      { ended: "tool-failed", toolStatus: 3, parts, said: expect.stringContaining("read error: bad") },
    ],
    ["the tool dies before it opens the pipe", () => {}, { tool: "echo cannot >&2; exit 1" }, 53, { ended: "tool-failed", toolStatus: 1, parts: 0, bytes: 0 }],
  ])("%s: said so, and nothing is left", async ([, prepare, over, status, answer]) => {
    using guest = guestHost();
    await using server = await partServer();
    prepare(server);
    const ready = await preflight(guest, dash);
    const wish = { links: over.links ?? ([1, parts] as const), ...(over.sha256 === undefined ? {} : { sha256: over.sha256 }) };
    const run = await guest.run(dumpOf(guest, server, ready, over.tool ?? whole, wish), dash);
    expect(run).toMatchObject({ status, answer: { left: false, ...answer } });
    expect(guest.leftovers()).toEqual([]);
    expect(existsSync(`${guest.home}/image.ran`)).toBe(false);
  });

  test("a part that fails by a reset and by 500 is sent again, once taken it is not", async () => {
    using guest = guestHost();
    await using server = await partServer();
    server.fault = (number, tries) => (number !== 2 ? null : tries === 1 ? "reset" : tries === 2 ? 500 : null);
    const run = await guest.run(dumpOf(guest, server, await preflight(guest, dash), whole, { links: [1, parts] }), dash);
    expect(run).toMatchObject({ status: 0, answer: { ended: "dumped", parts } });
    expect(server.together().equals(image)).toBe(true);
    expect(server.requests.filter((line) => line.startsWith("PUT"))).toHaveLength(parts + 2);
  });

  test("a second dump of the same step leaves the first one alone", async () => {
    using guest = guestHost();
    await using server = await partServer();
    const ready = await preflight(guest, dash);
    server.fault = (number) => (number === 2 ? "slow" : null);
    const running = guest.start(dumpOf(guest, server, ready, whole, { links: [1, parts] }), dash);
    await expect.poll(() => server.parts.size, { timeout: 30_000 }).toBe(2);
    expect(await guest.run(dumpOf(guest, server, ready, whole, { links: [1, parts] }), dash)).toMatchObject({ status: 47, answer: { ended: "no-place" } });
    expect(guest.leftovers()).toHaveLength(1);
    process.kill(running.child.pid ?? 0, "SIGTERM");
    await running.ended;
  });

  test("sealed tickets without the host's key open nothing", async () => {
    using guest = guestHost();
    await using server = await partServer();
    const ready = await preflight(guest, dash);
    const script = dumpOf(guest, server, ready, whole, { links: [1, parts], sealed: true });
    const other = await guest.run(`: > ${guest.shm}/holdfast-memory-${token}/key; ${script}`, dash);
    expect(other).toMatchObject({ status: 50, answer: { ended: "bad-tickets" } });
    expect(guest.leftovers()).toEqual([]);
  });
});

describe.for(["wget", "python3"])("a host with %s instead of curl", (client) => {
  test("sends the same bytes", async () => {
    using guest = guestHost([...hostPrograms.filter((name) => name !== "curl"), client]);
    await using server = await partServer();
    const ready = await preflight(guest, dash);
    expect(ready.answer).toMatchObject({ ended: "ready", http: client });
    server.fault = (number, tries) => (number === 2 && tries === 1 ? 500 : null);
    const run = await guest.run(dumpOf(guest, server, ready, whole, { links: [1, parts] }), dash);
    expect(run).toMatchObject({ status: 0, answer: { ended: "dumped", parts } });
    expect(server.together().equals(image)).toBe(true);
    expect(guest.leftovers()).toEqual([]);
  });
});

test("sums are right for every length of the last part", async () => {
  using guest = guestHost();
  for (const length of [1, 2, 3, 15, 16, 17]) {
    const bytes = randomBytes(length);
    expect((await guest.run(`${scriptHead(guest.places)}${transferFunctions}base64_of_hex ${bytes.toString("hex")}`, dash)).out).toBe(bytes.toString("base64"));
  }
});
