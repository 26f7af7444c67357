import { randomBytes } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { openCheckpoint, signCheckpointNow } from "../../src/ledger/format/checkpoint.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { formatVkey } from "../../src/ledger/keys/log-key.ts";
import { keyFiles, type LogKeys, readLogKeys, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { nextKeys, takeNextKeys } from "../../src/ledger/keys/rotate-keys.ts";
import { checkSuccession } from "../../src/ledger/keys/succession.ts";
import { currentFrom, currentKeys, parseVkeys, vkeyText } from "../../src/ledger/keys/vkey-list.ts";
import { revokeKeys } from "./key-support.ts";
import { append } from "./mirror-support.ts";
import { draft, forever, open, ORIGIN, tempHome } from "./support.ts";

test("heads of before a change of keys verify under the old ones, later ones under the new ones, and the audit finds nothing", async () => {
  using home = tempHome();
  await append(home.paths, 5);
  const first = readVkeys(home.paths.keys);
  const at = [await revokeKeys(home.paths)];
  await append(home.paths, 3);
  at.push(await revokeKeys(home.paths));
  await append(home.paths, 2);
  expect(at).toEqual([7, 11]);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [], found: { size: "12" } });
  const list = readFileSync(join(home.paths.keys, "log.vkey"), "utf8");
  expect(list.split("\n").map((line) => line.split(" ").slice(0, 3).join(" ").replace(/\+.*/, ""))).toEqual([
    ORIGIN,
    ORIGIN,
    `until 11 revoked`,
    `until 11 revoked`,
    `until 7 revoked`,
    `until 7 revoked`,
    "",
  ]);
  expect(vkeyText(parseVkeys(list, "list"))).toBe(list);
  expect(list).toContain(`until 7 revoked ${first.vkeys.map(formatVkey)[0]}`);
});

test("the old private keys are gone, only the new ones are in a backup, and a writer that was open goes on with the new ones", async () => {
  using home = tempHome();
  const running = await open(home.paths);
  await running.append([draft("note", { reason: "before" })]);
  await revokeKeys(home.paths);
  expect(readdirSync(home.paths.keys).filter((name) => name.endsWith(".key"))).toEqual(
    Object.keys(keyFiles(home.paths.keys))
      .filter((name) => name.endsWith(".key"))
      .toSorted(),
  );
  expect(existsSync(join(home.paths.keys, "log.ed25519.key"))).toBe(false);
  const [receipt] = await running.append([draft("note", { reason: "after" })]);
  await running.close();
  expect(receipt?.checkpoint.size).toBe("3");
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

test("a checkpoint by a revoked key is refused from its end on, and taken for sizes before it", async () => {
  using home = tempHome();
  await append(home.paths, 5);
  const stolen: LogKeys = readLogKeys(home.paths.keys);
  const from = await revokeKeys(home.paths);
  const { origin, vkeys } = readVkeys(home.paths.keys);
  const noteOf = (size: number): Buffer => Buffer.from(signCheckpointNow({ origin, size, root: Buffer.alloc(32, 7) }, stolen.signing, 1_800_000_000));
  expect(openCheckpoint(noteOf(from - 1), origin, vkeys).size).toBe(from - 1);
  for (const size of [from, from + 1, from + 1000])
    expect(() => openCheckpoint(noteOf(size), origin, vkeys)).toThrow(
      new RegExp(`size ${size} has no ed25519 signature .*counts for nothing: the key was revoked before size ${from}`),
    );
});

test("an export of before stays good, is brought up to date, and its list of keys with it", async () => {
  using home = tempHome();
  await append(home.paths, 300);
  const dir = join(home.dir, "export");
  await exportLedger(home.paths, dir, forever);
  cpSync(dir, `${dir}-old`, { recursive: true });
  await revokeKeys(home.paths);
  await append(home.paths, 1);
  expect(await exportLedger(home.paths, dir, forever)).toMatchObject({ from: "300", checkpoint: { size: "302" } });
  const list = readFileSync(join(dir, "log.vkey"), "utf8");
  const { origin, vkeys } = parseVkeys(list, "export");
  expect(openCheckpoint(readFileSync(join(dir, "checkpoint")), origin, vkeys).size).toBe(302);
  expect(openCheckpoint(readFileSync(join(`${dir}-old`, "checkpoint")), origin, vkeys).size).toBe(300);
  expect(
    openCheckpoint(readFileSync(join(`${dir}-old`, "checkpoint")), origin, parseVkeys(readFileSync(join(`${dir}-old`, "log.vkey"), "utf8"), "old").vkeys).size,
  ).toBe(300);
});

test("whoever trusts the old keys comes to the new ones by their word alone; another's word, or other keys, do not do", async () => {
  using home = tempHome();
  using other = tempHome();
  const old = readVkeys(home.paths.keys).vkeys;
  const { keys, succession } = await nextKeys(home.paths, [], randomBytes);
  checkSuccession(succession, ORIGIN, keys, old);
  expect((await nextKeys(home.paths, [], randomBytes)).keys).toEqual(keys);
  const foreign = await nextKeys(other.paths, [], randomBytes);
  expect(() => checkSuccession(succession, ORIGIN, foreign.keys, old)).toThrow(/not that of these keys/);
  expect(() => checkSuccession(foreign.succession, ORIGIN, foreign.keys, old)).toThrow(/did not sign the succession/);
});

test("a list of keys that somebody made longer is found by the audit: no act says so", async () => {
  using home = tempHome();
  await append(home.paths, 5);
  await nextKeys(home.paths, [], randomBytes);
  await takeNextKeys(home.paths, (await nextKeys(home.paths, [], randomBytes)).keys, "rotated");
  await append(home.paths, 1);
  expect(await auditLedger(home.paths, forever)).toMatchObject({
    verdict: "altered",
    problems: [{ kind: "signature", text: expect.stringContaining("no act that holds says so") }],
  });
});

test("a crash between the act and the change leaves the old keys signing, is told, and is made good by the same command", async () => {
  using home = tempHome();
  const { keys, succession } = await nextKeys(home.paths, [], randomBytes);
  const recorder = await open(home.paths);
  await recorder.append([draft("key-revoked", { detail: { asked: { keys: [...keys] }, succession } })]);
  await recorder.append([draft("note", { reason: "meanwhile" })]);
  await recorder.close();
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [{ kind: "start-without-end", seq: 0 }] });
  expect(currentFrom((await takeNextKeys(home.paths, keys, "revoked")).vkeys)).toBe(3);
  expect(currentKeys((await takeNextKeys(home.paths, keys, "revoked")).vkeys).map(formatVkey)).toEqual(keys);
  await append(home.paths, 1);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});
