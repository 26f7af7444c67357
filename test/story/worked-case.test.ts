import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canBecomeOther, type CollectJson, holdfast, holdfastJson, temporary, type VerifyJson } from "./holdfast.ts";

/** Clears what protects a stored object, as root on the machine could, and flips one byte in its middle. */
function flipByte(path: string): void {
  if (process.getuid?.() === 0) execFileSync("chattr", ["-i", path], { stdio: "ignore" });
  chmodSync(path, 0o600);
  const bytes = readFileSync(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function unlock(dir: string): void {
  try {
    execFileSync("chattr", ["-R", "-i", dir], { stdio: "ignore" });
  } catch {
    // not root, or a filesystem without flags: nothing was locked
  }
  rmSync(dir, { recursive: true, force: true });
}

describe("the worked case: collect, custody, verify, tamper, verify", () => {
  let home = "";
  let logs = "";
  let collected: CollectJson;
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "holdfast-story-"));
    logs = join(home, "logs");
    mkdirSync(logs);
    writeFileSync(join(logs, "app.log"), "2026-01-01 login failed for root\n".repeat(4000));
    const ran = await holdfastJson<CollectJson>(
      ["collect", "host:local", "--case", "DEMO-1", "--reason", "first look", "--kind", "state,access-logs", "--log", logs],
      { home },
    );
    expect([0, 4], ran.stderr).toContain(ran.code); // 4 where this machine denies even root some of /proc
    collected = ran.json;
  });
  afterAll(() => unlock(home));

  test("each kind that was asked for is one exhibit with one outcome, numbered without a gap", () => {
    expect(collected.collections[0]?.exhibits.map((e) => e.id)).toEqual(["DEMO-1/001", "DEMO-1/002"]);
    for (const exhibit of collected.collections[0]?.exhibits ?? []) expect(exhibit.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a directory never claims to have sealed", () => {
    for (const { stored } of collected.collections[0]?.exhibits ?? []) expect(stored).toMatchObject({ sealed: false, lock: "removable", mode: "directory" });
  });

  test("the recorded digest is that of the stored file, by sha256sum", () => {
    for (const { sha256, stored } of collected.collections[0]?.exhibits ?? []) {
      const path = fileURLToPath(stored?.uri ?? "");
      expect(execFileSync("sha256sum", [path], { encoding: "utf8" }).slice(0, 64)).toBe(sha256);
    }
  });

  test("the custody record begins with the start, which came before the outcome", async () => {
    const { json } = await holdfastJson<{ acts: { act: string; seq: string; actor: { proof: string } }[] }>(["custody", "DEMO-1/002"], { home });
    expect(json.acts.map((a) => a.act).slice(0, 1)).toEqual(["started"]);
    expect(json.acts.every((a) => a.actor.proof === "asserted")).toBe(true);
  });

  test("untouched evidence verifies, and assurance is only self", async () => {
    const { code, json } = await holdfastJson<VerifyJson>(["verify", "--case", "DEMO-1"], { home });
    expect([code, json.verdict, json.assurance, json.recorded]).toEqual([0, "intact", "self", true]);
    expect(json.exhibits.map((e) => [e.verdict, e.method])).toEqual([
      ["intact", "rehash"],
      ["intact", "rehash"],
    ]);
  });

  test("--jsonl ends with the verdict of the whole", async () => {
    const lines = (await holdfast(["--jsonl", "verify", "--case", "DEMO-1"], { home })).stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).verdict)).toEqual(["intact", "intact", "intact"]);
  });

  test("fetch gives back the raw bytes and never overwrites", async () => {
    const out = join(home, "fetched.tar");
    const ran = await holdfastJson<{ sha256: string }>(["fetch", "DEMO-1/002", "--out", out, "--reason", "analysis"], { home });
    expect(ran.code).toBe(0);
    expect(execFileSync("sha256sum", [out], { encoding: "utf8" }).slice(0, 64)).toBe(ran.json.sha256);
    expect(execFileSync("tar", ["tf", out], { encoding: "utf8" })).toContain("app.log");
    expect((await holdfast(["fetch", "DEMO-1/002", "--out", out, "--reason", "again"], { home })).code).toBe(2);
    const acts = await holdfastJson<{ acts: { act: string }[] }>(["custody", "DEMO-1/002"], { home });
    expect(acts.json.acts.map((a) => a.act)).toContain("accessed");
  });

  test("retention is lengthened and never shortened; a hold is set and shown", async () => {
    const far = "2040-01-01T00:00:00Z";
    const longer = await holdfastJson<{ exhibits: { stored: { retainUntil: string } }[] }>(
      ["retain", "extend", "DEMO-1/001", "--until", far, "--reason", "litigation"],
      { home },
    );
    expect([longer.code, longer.json.exhibits[0]?.stored.retainUntil]).toEqual([0, far]);
    expect((await holdfast(["retain", "extend", "DEMO-1/001", "--until", "2030-01-01T00:00:00Z", "--reason", "x"], { home })).code).toBe(6);
    const held = await holdfastJson<{ exhibits: { stored: { legalHold: boolean } }[] }>(["hold", "set", "DEMO-1/001", "--reason", "litigation"], { home });
    expect([held.code, held.json.exhibits[0]?.stored.legalHold]).toEqual([0, true]);
    expect((await holdfast(["verify", "DEMO-1/001"], { home })).code).toBe(0);
  });

  test("one changed byte in the vault is found, and the exhibit is named", async () => {
    const uri = collected.collections[0]?.exhibits[1]?.stored?.uri ?? "";
    flipByte(fileURLToPath(uri));
    const { code, json } = await holdfastJson<VerifyJson>(["verify", "--case", "DEMO-1"], { home });
    expect([code, json.verdict]).toEqual([5, "altered"]);
    expect(json.exhibits.map((e) => [e.id, e.verdict])).toEqual([
      ["DEMO-1/001", "intact"],
      ["DEMO-1/002", "altered"],
    ]);
    expect(json.ledger.verdict).toBe("intact");
    const out = join(home, "altered.tar");
    expect((await holdfast(["fetch", "DEMO-1/002", "--out", out, "--reason", "analysis"], { home })).code).toBe(5);
    expect(() => statSync(out)).toThrow();
  });

  test("a file that is gone from the vault is missing, exit 5", async () => {
    const path = fileURLToPath(collected.collections[0]?.exhibits[1]?.stored?.uri ?? "");
    unlock(path);
    const { code, json } = await holdfastJson<VerifyJson>(["verify", "DEMO-1/002"], { home });
    expect([code, json.verdict, json.exhibits[0]?.verdict]).toEqual([5, "missing", "missing"]);
  });
});

describe("as an ordinary user", () => {
  test.skipIf(!canBecomeOther)("what may not be read is denied, file by file, and the exit code says so (needs root to become someone else)", async () => {
    using dir = temporary("user");
    const logs = join(dir.path, "logs");
    mkdirSync(logs);
    writeFileSync(join(logs, "open.log"), "readable\n");
    writeFileSync(join(logs, "secret.log"), "unreadable\n", { mode: 0o600 });
    const home = join(dir.path, "home");
    mkdirSync(home, { mode: 0o777 });
    chmodSync(home, 0o777);
    chmodSync(dir.path, 0o755);
    const { code, json } = await holdfastJson<CollectJson>(
      ["collect", "host:local", "--case", "U-1", "--reason", "no rights", "--kind", "access-logs", "--log", logs],
      { home, uid: 65534 },
    );
    expect(code).toBe(4);
    const exhibit = json.collections[0]?.exhibits[0];
    expect(exhibit?.outcome).toBe("truncated");
    expect(exhibit?.coverage?.gaps).toEqual(expect.arrayContaining([expect.objectContaining({ what: join(logs, "secret.log"), outcome: "denied" })]));
  });
});
