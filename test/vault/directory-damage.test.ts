import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Stored, Vault } from "../../src/core/vault.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { memoryJournal } from "../suite/memory-journal.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { never, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 4096, mode: "directory", lock: "removable", seals: false, versions: false, oneWinner: true, failsProbes: ["lock"] };
const bytes = bytesOf(10_000, "damaged");
const isRoot = process.getuid?.() === 0;
let root: string;
let vault: Vault;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "holdfast-damage-"));
  vault = openVault();
});
afterEach(async () => {
  if (isRoot) spawnSync("chattr", ["-R", "-f", "-i", root], { stdio: "ignore" });
  await rm(root, { recursive: true });
});

function openVault(immutable = false): Vault {
  return openDirectoryVault({ name: "here", root, clock: () => new Date(), random: (n) => randomBytes(n), immutable });
}

function store(key = "D-1/001-logs"): Promise<Stored> {
  return vault.put(requestOf(traits, bytes, { key }), never);
}

describe("attest names", () => {
  const damages: readonly (readonly [string, RegExp, (path: string) => Promise<void>])[] = [
    [
      "one changed byte",
      /^checksum: /,
      async (path) => {
        await chmod(path, 0o600);
        const changed = Buffer.from(bytes);
        changed[5000] = (changed[5000] ?? 0) ^ 1;
        await writeFile(path, changed);
        await chmod(path, 0o444);
      },
    ],
    [
      "a byte too many",
      /^size: /,
      async (path) => {
        await chmod(path, 0o600);
        await writeFile(path, Buffer.concat([bytes, Buffer.from("x")]));
        await chmod(path, 0o444);
      },
    ],
    [
      "a file that was cut",
      /^size: /,
      async (path) => {
        await chmod(path, 0o600);
        await writeFile(path, bytes.subarray(0, 4096));
        await chmod(path, 0o444);
      },
    ],
    ["a file that can be written", /^mode: .*644/, (path) => chmod(path, 0o644)],
    ["a lost retention record", /^retention: .*missing/, (path) => rm(`${path}.retention.json`)],
    ["a garbled retention record", /^retention: .*not JSON/, (path) => writeFile(`${path}.retention.json`, "{")],
    [
      "a retention record of another shape",
      /^retention: .*not a retention record/,
      (path) => writeFile(`${path}.retention.json`, '{"retainUntil":"soon","legalHold":false}'),
    ],
    [
      "a shortened retention record",
      /^retention: .*short/,
      (path) => writeFile(`${path}.retention.json`, '{"retainUntil":"2020-01-01T00:00:00Z","legalHold":false}'),
    ],
  ];
  test.for(damages)("%s", async ([, named, damage]) => {
    const stored = await store();
    expect((await receiptOf(vault, stored)).problems).toEqual([]);
    await damage(join(root, stored.key));
    expect((await receiptOf(vault, stored)).problems).toEqual(expect.arrayContaining([expect.stringMatching(named)]));
  });

  test("a removed file as missing, and a directory or a link in its place as unknown", async () => {
    const stored = await store();
    const path = join(root, stored.key);
    await rm(path);
    expect((await vault.attest(stored, "identity", never)).kind).toBe("missing");
    await mkdir(path);
    expect((await vault.attest(stored, "identity", never)).kind).toBe("unknown");
    await rm(path, { recursive: true });
    await symlink("/etc/hostname", path);
    expect((await vault.attest(stored, "identity", never)).kind).toBe("unknown");
  });
});

describe("a vault that is not there", () => {
  test("is unknown and not missing: a root that is gone, and an empty directory in its place", async () => {
    const stored = await store();
    await rename(root, `${root}-unmounted`);
    expect((await vault.attest(stored, "identity", never)).kind).toBe("unknown");
    await mkdir(root);
    expect(await vault.attest(stored, "identity", never)).toMatchObject({ kind: "unknown", text: expect.stringContaining("mounted") });
    await rm(root, { recursive: true });
    await rename(`${root}-unmounted`, root);
    expect((await receiptOf(vault, stored)).problems).toEqual([]);
  });

  test("says where a key is, as its puts do", async () => {
    const stored = await store();
    expect(vault.locate(stored.key)).toBe(stored.uri);
    expect(() => vault.locate("../elsewhere")).toThrow("not a key");
  });
});

describe("what a crash leaves between two steps", () => {
  const request = requestOf(traits, bytes, { key: "D-1/001-logs" });
  const temporaries = async (): Promise<string[]> => (await readdir(join(root, "D-1"))).filter((name) => name.startsWith(".holdfast-"));

  test("after the link, before the temporary name is gone and the retention written: the same put cleans up", async () => {
    const journal = memoryJournal();
    const stored = await vault.put({ ...request, stream: requestOf(traits, bytes).stream, journal }, never);
    const path = join(root, stored.key);
    await link(path, join(dirname(path), journal.load()?.token ?? ""));
    await rm(`${path}.retention.json`);
    await vault.put({ ...request, stream: requestOf(traits, bytes).stream, journal }, never);
    expect(await temporaries()).toEqual([]);
    expect((await receiptOf(vault, stored)).problems).toEqual([]);
  });

  test("after the file was made read-only, before the link: resume goes on, also without root's rights", async () => {
    const journal = memoryJournal();
    journal.before = (call) => {
      if (call === "completing") throw new Error("killed");
    };
    await expect(vault.put({ ...request, stream: requestOf(traits, bytes).stream, journal }, never)).rejects.toThrow("killed");
    journal.before = null;
    const [left = ""] = await temporaries();
    expect((await stat(join(root, "D-1", left))).mode & 0o777).toBe(0o444);
    const stored = await asNobody(
      () => vault.put({ ...request, stream: requestOf(traits, bytes).stream, journal }, never),
      [root, join(root, "D-1"), join(root, "D-1", left)],
    );
    expect((await receiptOf(vault, stored)).problems).toEqual([]);
  });
});

test("bytes that were written and never journaled do not become a tail", async () => {
  const journal = memoryJournal();
  journal.before = (call) => {
    if (call === "part 3") throw new Error("killed");
  };
  await expect(vault.put(requestOf(traits, bytes, { key: "D-1/tail", journal }), never)).rejects.toThrow("killed");
  journal.before = null;
  const stored = await vault.put(requestOf(traits, bytes.subarray(0, 2 * traits.partSize), { key: "D-1/tail", journal }), never);
  expect((await stat(join(root, stored.key))).size).toBe(2 * traits.partSize);
});

describe("links that lead elsewhere", () => {
  test("a parent that is a symbolic link out of the vault is refused", async () => {
    await symlink(tmpdir(), join(root, "D-2"));
    await expect(vault.put(requestOf(traits, bytes, { key: "D-2/x/001" }), never)).rejects.toMatchObject({
      code: "vault",
      message: expect.stringContaining("symbolic link"),
    });
  });

  test("a key that is a symbolic link is neither followed nor replaced", async () => {
    await mkdir(join(root, "D-3"));
    await writeFile(join(root, "outside"), bytes);
    await symlink(join(root, "outside"), join(root, "D-3", "001"));
    await expect(vault.put(requestOf(traits, bytes, { key: "D-3/001" }), never)).rejects.toMatchObject({ code: "vault" });
  });
});

describe("the immutable flag", () => {
  test("is set where root and the filesystem allow it, read back, and keeps root from removing the file by accident", async ({ skip }) => {
    if (!isRoot) return skip("only root may set the flag");
    vault = openVault(true);
    const stored = await store();
    const { text } = await receiptOf(vault, stored);
    if (text.includes("is not set") || text.includes("could not be read")) return skip("this filesystem has no such flag");
    expect(text).toContain("carries the immutable flag");
    await expect(unlink(join(root, stored.key))).rejects.toMatchObject({ code: "EPERM" });
    await vault.hold(stored, true, never); // the record beside it can still change
    return expect((await receiptOf(vault, stored)).legalHold).toBe(true);
  });

  test("that an ordinary user cannot set is said to be missing", async () => {
    vault = openVault(true);
    const stored = await asNobody(store, [root]);
    const receipt = await receiptOf(vault, stored);
    expect(receipt).toMatchObject({ lock: "removable", sealed: false, problems: [] });
    expect(receipt.text).toMatch(/is not set|could not be read/);
  });
});

/** Runs with an ordinary user's rights where the tests run as root; as they are otherwise. */
async function asNobody<T>(work: () => Promise<T>, paths: readonly string[]): Promise<T> {
  if (!isRoot || process.seteuid === undefined) return work();
  for (const path of paths) execFileSync("chown", ["65534", path]);
  process.seteuid(65_534);
  try {
    return await work();
  } finally {
    process.seteuid(0);
  }
}
