import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CollectJson, holdfast, holdfastJson, temporary, type VerifyJson } from "./holdfast.ts";
import { type S3Home, s3Home } from "./s3-home.ts";

type Place = { readonly endpoint: string; readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }; readonly bucket: string };
type Restored = {
  readonly origin: string;
  readonly continued: boolean;
  readonly from: { readonly origin: string; readonly size: string; readonly root: string };
};
type Audit = {
  readonly verdict: string;
  readonly assurance: string;
  readonly size: string;
  readonly root: string;
  readonly problems: readonly { readonly kind: string; readonly text: string }[];
};

/** A home on that bucket, whose ledger is mirrored there. */
export function mirroredHome(dir: string, { endpoint, credentials, bucket }: Place): S3Home {
  const made = s3Home(dir, endpoint, credentials, bucket);
  appendFileSync(join(made.home, "holdfast.yaml"), "anchors: {worm: main}\n");
  mkdirSync(join(dir, "logs"));
  writeFileSync(join(dir, "logs", "app.log"), "login failed for root\n".repeat(2000));
  writeFileSync(join(dir, "passphrase"), "four plain words here\n");
  return made;
}

function collect(dir: string, caseId: string, options: S3Home): Promise<{ readonly code: number | null; readonly json: CollectJson; readonly stderr: string }> {
  return holdfastJson<CollectJson>(["collect", "host:local", "--case", caseId, "--reason", "r", "--kind", "access-logs", "--log", join(dir, "logs")], options);
}

/** What a machine that burned is: all of its home but the configuration, which is written again. */
function lose(home: string): void {
  const config = readFileSync(join(home, "holdfast.yaml"));
  rmSync(home, { recursive: true });
  mkdirSync(home);
  writeFileSync(join(home, "holdfast.yaml"), config);
}

/** The claims about a lost and a rolled-back home, on a store that locks. */
export function restoreClaims(open: () => Promise<Place>): void {
  test("a home that was deleted comes back from the vault: same origin, size and root, every exhibit verifies, and it goes on", async () => {
    using dir = temporary("restore");
    const options = mirroredHome(dir.path, await open());
    const backup = join(dir.path, "keys.backup");
    const secret = ["--passphrase-file", join(dir.path, "passphrase")];
    expect((await collect(dir.path, "R-1", options)).code).toBe(0);
    const saved = await holdfast(["key", "backup", "--out", backup, ...secret, "--reason", "drill"], options);
    expect(saved.code, saved.stderr).toBe(0);
    const before = await holdfastJson<Audit>(["ledger", "audit"], options);
    expect([before.code, before.json.verdict, before.json.assurance]).toEqual([0, "intact", "worm"]);

    lose(options.home);
    const back = await holdfastJson<Restored>(["restore", "--from", "main", "--key-backup", backup, ...secret, "--reason", "the machine burned"], options);
    expect(back.code, back.stderr).toBe(0);
    expect(back.json).toMatchObject({ continued: true, from: { size: before.json.size, root: before.json.root } });
    const verified = await holdfastJson<VerifyJson>(["verify"], options);
    expect([verified.code, verified.json.verdict, verified.json.assurance]).toEqual([0, "intact", "worm"]);
    expect(verified.json.exhibits.map(({ id, verdict, method }) => [id, verdict, method])).toEqual([["R-1/001", "intact", "rehash"]]);
    const again = await collect(dir.path, "R-1", options);
    expect([again.code, again.json.collections[0]?.exhibits.map(({ id }) => id)], again.stderr).toEqual([0, ["R-1/002"]]);
  });

  test("without the log's keys a new origin begins, whose entry 0 names the old one, its size, its root and the gap", async () => {
    using dir = temporary("restore");
    const options = mirroredHome(dir.path, await open());
    await collect(dir.path, "R-1", options);
    const before = await holdfastJson<Audit>(["ledger", "audit"], options);
    lose(options.home);
    const back = await holdfastJson<Restored>(["restore", "--from", "main", "--new-origin", "example.org/l/2", "--reason", "no backup"], options);
    expect([back.code, back.json.origin, back.json.continued], back.stderr).toEqual([0, "example.org/l/2", false]);
    expect(back.json.from).toMatchObject({ size: before.json.size, root: before.json.root });
    const exported = join(dir.path, "export");
    expect((await holdfast(["ledger", "export", exported], options)).code).toBe(0);
    const bundle = readFileSync(join(exported, "tile", "entries", "000.p", "1"));
    const envelope = JSON.parse(bundle.subarray(2).toString()) as { readonly payload: string };
    const statement = JSON.parse(Buffer.from(envelope.payload, "base64").toString()) as {
      readonly predicate: { readonly act: string; readonly detail: unknown };
    };
    expect(statement.predicate).toMatchObject({
      act: "restored",
      detail: { continued: false, from: back.json.from, gap: expect.stringContaining(`after its ${before.json.size} mirrored acts`) },
    });
    expect((await holdfastJson<Audit>(["ledger", "audit"], options)).json.verdict).toBe("intact");
  });

  test("a home that was rolled back by a copy: audit names both sizes, and collect refuses to sign", async () => {
    using dir = temporary("rollback");
    const options = mirroredHome(dir.path, await open());
    await collect(dir.path, "R-1", options);
    const old = (await holdfastJson<Audit>(["ledger", "audit"], options)).json.size;
    cpSync(options.home, join(dir.path, "copy"), { recursive: true });
    await collect(dir.path, "R-2", options);
    const now = (await holdfastJson<Audit>(["ledger", "audit"], options)).json.size;

    rmSync(options.home, { recursive: true });
    cpSync(join(dir.path, "copy"), options.home, { recursive: true });
    const audit = await holdfastJson<Audit>(["ledger", "audit"], options);
    expect([audit.code, audit.json.verdict]).toEqual([5, "rollback"]);
    expect(audit.json.problems).toEqual([
      expect.objectContaining({ kind: "rollback", text: expect.stringMatching(new RegExp(` ${now} entries, and this ledger has ${old}:`)) }),
    ]);
    const refused = await holdfast(
      ["collect", "host:local", "--case", "R-3", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "logs")],
      options,
    );
    expect([refused.code, refused.stdout]).toEqual([5, ""]);
    expect(refused.stderr).toMatch(new RegExp(`ROLLBACK: .* ${now} entries, and this ledger has ${old}`));
    expect((await holdfastJson<Audit>(["ledger", "audit"], options)).json.size).toBe(old);
  });
}
