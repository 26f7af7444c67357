import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { signCheckpointNow } from "../../src/ledger/format/checkpoint.ts";
import { type LogKeys, readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import { nextKeys, takeNextKeys } from "../../src/ledger/keys/rotate-keys.ts";
import { act, approval, enrolled, person, request } from "../ledger/actor-support.ts";
import { revokeKeys } from "../ledger/key-support.ts";
import { append } from "../ledger/mirror-support.ts";
import { forever, tempHome } from "../ledger/support.ts";
import { both, who } from "./standalone-support.ts";

/** A log whose keys changed once, after an export of before. */
describe(`keys that changed, by ${who}`, () => {
  let dir = "";
  let home: ReturnType<typeof tempHome>;
  let stolen: LogKeys;
  const at = (name: string): string => join(dir, name);
  const damaged = (name: string, change: (folder: string) => void): string => {
    cpSync(at("now"), at(name), { recursive: true });
    change(at(name));
    return at(name);
  };
  const edit = (file: string, change: (text: string) => string): void => writeFileSync(file, change(readFileSync(file, "utf8")));
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
    home = tempHome();
    stolen = readLogKeys(home.paths.keys);
    await append(home.paths, 5);
    await exportLedger(home.paths, at("before"), forever);
    cpSync(at("before"), at("now"), { recursive: true });
    await revokeKeys(home.paths);
    await append(home.paths, 2);
    await exportLedger(home.paths, at("now"), forever);
  });
  afterAll(() => {
    home[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  test("the export of now is intact, and that of before still is, under its own list and under today's", async () => {
    for (const args of [[at("now")], [at("before")], [at("before"), "--vkey", join(at("now"), "log.vkey")], [at("now"), "--vkey", join(at("now"), "log.vkey")]])
      expect(await both(...args)).toMatchObject({ code: 0, text: expect.stringContaining("intact") });
  });

  test("keys that were revoked vouch for no new ones: whoever pinned them is told to pin others", async () => {
    const pinned = await both(at("now"), "--vkey", join(at("before"), "log.vkey"));
    expect(pinned).toMatchObject({ code: 1, text: expect.stringContaining("take the new keys from someone you trust") });
  });

  test("a head that only the revoked keys signed is refused", async () => {
    const folder = damaged("stolen", (to) => {
      const [origin = "", size, root = ""] = readFileSync(join(to, "checkpoint"), "utf8").split("\n");
      writeFileSync(
        join(to, "checkpoint"),
        signCheckpointNow({ origin, size: Number(size), root: Buffer.from(root, "base64") }, stolen.signing, 1_800_000_000),
      );
    });
    expect(await both(folder)).toMatchObject({ code: 1, text: expect.stringContaining("no signature of the Ed25519 key") });
  });

  test("a list that says rotated where the act says revoked, or names a change that no act names, is refused", async () => {
    const softened = damaged("softened", (to) => edit(join(to, "log.vkey"), (text) => text.replaceAll(" revoked ", " rotated ")));
    expect(await both(softened)).toMatchObject({ code: 1, text: expect.stringContaining("the list says rotated") });
    const earlier = damaged("earlier", (to) => edit(join(to, "log.vkey"), (text) => text.replaceAll(/^until \d+ /gm, "until 5 ")));
    expect(await both(earlier)).toMatchObject({ code: 1, text: expect.stringContaining("stands behind it") });
  });

  test("a list without the retired keys has nobody who signed the succession away, and the acts are told", async () => {
    const shortened = damaged("shortened", (to) => edit(join(to, "log.vkey"), (text) => text.replaceAll(/^until .*\n/gm, "")));
    expect(await both(shortened)).toMatchObject({ code: 0, text: expect.stringContaining("1 acts give the log new keys that do not sign yet") });
  });
});

test(`keys that two persons rotated: whoever pinned the old ones comes to the new ones by their signed word, by ${who}`, async () => {
  using home = tempHome();
  const [jane, john] = [person("jane"), person("john")];
  await enrolled(home.paths, jane, john);
  const before = join(home.dir, "before");
  await exportLedger(home.paths, before, forever);
  const { keys, succession } = await nextKeys(home.paths, [], randomBytes);
  const asked = { keys: [...keys] };
  await expect(act(home.paths, jane, "key-rotated", { reason: "yearly", detail: { asked, succession, request: null } })).rejects.toMatchObject({
    code: "refused",
  });
  const number = await request(home.paths, jane, "key-rotated", { reason: "yearly", asked });
  await act(home.paths, john, "approved", approval(home.paths, number));
  const fields = { reason: "yearly", detail: { asked, succession, request: number } };
  await expect(act(home.paths, jane, "key-rotated", { ...fields, detail: { ...fields.detail, asked: { keys: [...keys].reverse() } } })).rejects.toMatchObject({
    code: "refused",
  });
  await act(home.paths, jane, "key-rotated", fields);
  await takeNextKeys(home.paths, keys, "rotated");
  await act(home.paths, jane, "note", { reason: "under the new keys" });
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });

  const now = join(home.dir, "now");
  await exportLedger(home.paths, now, forever);
  const pinned = ["--vkey", join(before, "log.vkey")];
  expect(await both(now, ...pinned)).toMatchObject({ code: 0, text: expect.stringContaining("taken on their signed word") });
  // Somebody else's keys, put into the list in place of ours: the old ones never spoke for them.
  using stranger = tempHome();
  const forged = readFileSync(join(now, "log.vkey"), "utf8").split("\n");
  const theirs = (await nextKeys(stranger.paths, [], randomBytes)).keys;
  writeFileSync(join(now, "log.vkey"), [...theirs, ...forged.slice(2)].join("\n"));
  expect((await both(now, ...pinned)).code).toBe(1);
});
