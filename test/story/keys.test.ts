import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";

type Keys = {
  readonly keys: readonly {
    readonly type: string;
    readonly vkey: string;
    readonly kept: string;
    readonly until: { readonly size: string; readonly end: string } | null;
  }[];
};
type Custody = { readonly schema: string; readonly outcome: string; readonly act: string | null; readonly from: string | null };

test("keys are shown, backed up under a passphrase in a file of mode 0600, and revoked at once; each is an act, and the ledger stays intact", async () => {
  using dir = temporary("keys");
  const home = join(dir.path, "home");
  const out = join(dir.path, "keys.backup");
  const secret = join(dir.path, "passphrase");
  writeFileSync(secret, "four plain words here\n");
  const { json: made } = await holdfastJson<{ vkeys: string[] }>(["init"], { home });
  const shown = async (): Promise<Keys["keys"]> => (await holdfastJson<Keys>(["key", "show"], { home })).json.keys;
  expect((await shown()).map(({ type, vkey, kept, until }) => [type, vkey, kept, until])).toEqual([
    ["ed25519", made.vkeys[0], "file", null],
    ["ml-dsa-44", made.vkeys[1], "file", null],
  ]);

  const command = ["key", "backup", "--out", out, "--passphrase-file", secret, "--reason", "drill"];
  expect((await holdfastJson(command, { home })).json).toMatchObject({ out, act: "1" });
  expect(statSync(out).mode & 0o777).toBe(0o600);
  for (const name of readdirSync(join(home, "ledger", "keys")).filter((n) => n.endsWith(".key")))
    expect(readFileSync(out, "utf8")).not.toContain(readFileSync(join(home, "ledger", "keys", name), "utf8").split("\n")[1]);
  expect((await holdfast(command, { home })).code).toBe(2); // never over a file
  expect((await holdfast(["key", "backup", "--out", join(dir.path, "x"), "--reason", "r", "--no-input"], { home })).code).toBe(2);

  const alone = await holdfast(["key", "rotate", "--reason", "yearly"], { home });
  expect([alone.code, alone.stdout], alone.stderr).toEqual([6, ""]);
  expect((await shown()).map(({ vkey }) => vkey)).toEqual(made.vkeys);

  const revoked = await holdfastJson<Custody>(["key", "revoke", "--reason", "the laptop was stolen"], { home });
  expect([revoked.code, revoked.json.outcome], revoked.stderr).toEqual([0, "done"]);
  expect((await shown()).slice(2).map(({ vkey, kept, until }) => [vkey, kept, until])).toEqual(
    made.vkeys.map((vkey) => [vkey, "gone", { size: revoked.json.from, end: "revoked" }]),
  );
  expect((await holdfast(["case", "open", "K-1", "--reason", "r"], { home })).code).toBe(0);
  const audit = await holdfastJson<{ verdict: string; problems: unknown[] }>(["ledger", "audit"], { home });
  expect([audit.code, audit.json.verdict, audit.json.problems]).toEqual([0, "intact", []]);
});
