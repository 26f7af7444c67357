import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { caExtensions, issue, type Issued, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa, type TsaFake } from "../clouds/tsa-fake.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";

const ORIGIN = "evidence.example/l/anchors";
const dir = temporary("anchors");
let number = 0;
let roots: readonly [Issued, Issued];
let signers: readonly [Issued, Issued];
const running: (WitnessFake | TsaFake)[] = [];

beforeAll(() => {
  const root = (name: string, key: "rsa" | "p256"): Issued => issue(dir.path, { name, key, days: 900, extensions: caExtensions }, null);
  roots = [root("root-rsa", "rsa"), root("root-ec", "p256")];
  signers = [
    issue(dir.path, { name: "tsa-rsa", key: "rsa", days: 400, extensions: tsaExtensions }, roots[0]),
    issue(dir.path, { name: "tsa-ec", key: "p256", days: 400, extensions: tsaExtensions }, roots[1]),
  ];
});
afterEach(async () => {
  for (const fake of running.splice(0)) await fake.stop();
});
afterAll(() => dir[Symbol.dispose]());

type Story = {
  readonly home: string;
  readonly witness: WitnessFake;
  readonly tsas: readonly [TsaFake, TsaFake];
  run(...args: readonly string[]): ReturnType<typeof holdfast>;
  collect(): ReturnType<typeof holdfast>;
};

/** A home that one witness and two authorities vouch for. */
async function story(): Promise<Story> {
  number += 1;
  const home = join(dir.path, `home-${number}`);
  await holdfast(["init", "--origin", ORIGIN], { home });
  const witness = await startWitness("witness.example/w1", ORIGIN, readVkeys(join(home, "ledger", "keys")).vkeys);
  const tsas = [
    await startTsa({ signer: signers[0], chain: [], policy: "1.2.3.4" }),
    await startTsa({ signer: signers[1], chain: [], policy: "1.2.3.4" }),
  ] as const;
  running.push(witness, ...tsas);
  cpSync(roots[0].file, join(home, "rsa.pem"));
  writeFileSync(
    join(home, "holdfast.yaml"),
    `anchors:
  witnesses: [{name: w1, url: "${witness.url}", vkey: "${witness.vkey}"}]
  timestamp: [{name: rsa, url: "${tsas[0].url}", ca: ./rsa.pem}, {name: ecdsa, url: "${tsas[1].url}", ca: "${roots[1].file}", policy: "1.2.3.4"}]
`,
  );
  const logs = join(dir.path, "logs");
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, "a.log"), "x\n");
  const run = (...args: readonly string[]): ReturnType<typeof holdfast> => holdfast(args, { home });
  return { home, witness, tsas, run, collect: () => run("collect", "host:local", "--case", "A-1", "--reason", "r", "--kind", "access-logs", "--log", logs) };
}

type Audit = {
  readonly verdict: string;
  readonly assurance: string;
  readonly size: string;
  readonly checked: { readonly anchors: readonly string[]; readonly covers: readonly { readonly size: string }[]; readonly unreachable: readonly string[] };
  readonly problems: readonly { readonly kind: string; readonly text: string }[];
};

const NAMES = ["rfc3161:ecdsa", "rfc3161:rsa", "witness:w1"];

describe("a home with a witness and two authorities", () => {
  test("is anchored at the end of a collection; audit, custody, status and doctor say by whom and how far", async () => {
    const { home, run, collect } = await story();
    expect(await collect()).toMatchObject({ code: 0, stdout: expect.stringContaining(`vouched for by ${NAMES.join(", ")}`) });
    const { code, json } = await holdfastJson<Audit>(["ledger", "audit"], { home });
    expect({ code, ...json }).toMatchObject({ code: 0, verdict: "intact", assurance: "timestamped", checked: { anchors: NAMES, unreachable: [] } });
    expect(json.checked.covers.map(({ size }) => size)).toEqual(NAMES.map(() => json.size));
    const record = await holdfastJson<{ readonly acts: readonly { readonly anchors: readonly string[] }[] }>(["custody", "A-1/001"], { home });
    expect(record.json.acts.map(({ anchors }) => anchors)).toEqual(record.json.acts.map(() => NAMES));
    const status = await holdfastJson<{ readonly anchors: readonly { readonly anchor: string; readonly trouble: unknown }[] }>(["status"], { home });
    expect(status.json.anchors.map(({ anchor, trouble }) => [anchor, trouble])).toEqual(
      ["witness:w1", "rfc3161:rsa", "rfc3161:ecdsa"].map((name) => [name, null]),
    );
    expect((await run("doctor")).stdout).toMatch(/ok\s+anchor witness:w1: vouches for \d+ acts/);
    expect((await run("verify")).stdout).toMatch(/Assurance timestamped: rfc3161:ecdsa vouches for the first \d+ of \d+ acts as of 20/);
  });

  test("says which acts nobody vouches for yet, and ledger anchor has them vouched for", async () => {
    const { home, run, collect } = await story();
    await collect();
    await run("case", "note", "A-1", "later");
    const before = await run("ledger", "audit", "--offline");
    expect(before.stdout).toContain("The last 1 acts are vouched for by nothing outside yet");
    expect(before.stdout).toContain("No witness was asked now (--offline)");
    const anchored = await holdfastJson<{ readonly checkpoint: { readonly size: string }; readonly anchors: readonly { readonly size: string }[] }>(
      ["ledger", "anchor"],
      { home },
    );
    expect(anchored.code).toBe(0);
    expect(anchored.json.anchors.map(({ size }) => size)).toEqual(NAMES.map(() => anchored.json.checkpoint.size));
    expect((await run("ledger", "audit", "--offline")).stdout).not.toContain("by nothing outside");
  });

  test("loses no act where all of them are down, shows it in status, and is exit 9 to the audit that cannot ask", async () => {
    const { home, run, collect, witness, tsas } = await story();
    for (const fake of [witness, ...tsas]) fake.lie = "down";
    const collected = await collect();
    expect(collected.code).toBe(0);
    expect(collected.stderr).toContain("not anchored by witness:w1 yet; it is tried again");
    expect((await run("status")).stdout).toMatch(/anchor rfc3161:rsa: BROKEN since 20.*vouches for nothing yet/);
    expect((await run("doctor")).code).toBe(0);
    const asked = await holdfastJson<Audit>(["ledger", "audit"], { home });
    expect({ code: asked.code, ...asked.json }).toMatchObject({ code: 9, verdict: "unverifiable", assurance: "self", checked: { anchors: [] } });
    expect(asked.json.checked.unreachable).toEqual(["witness:w1", "rfc3161:rsa", "rfc3161:ecdsa"]);
    expect((await run("ledger", "audit", "--offline")).code).toBe(0);
    expect((await run("ledger", "anchor")).code).toBe(9);
    for (const fake of [witness, ...tsas]) fake.lie = null;
    expect((await run("ledger", "anchor")).code).toBe(0);
    expect((await run("ledger", "audit")).code).toBe(0);
  });

  test("that was put back by a copy, keys and head included, is found with both sizes, and collect refuses to sign on top of it", async () => {
    const { home, run, collect } = await story();
    await collect();
    const copy = `${home}-copy`;
    cpSync(join(home, "ledger"), copy, { recursive: true });
    const { json: old } = await holdfastJson<Audit>(["ledger", "audit"], { home });
    await run("case", "note", "A-1", "that somebody wants gone");
    await run("ledger", "anchor");
    rmSync(join(home, "ledger"), { recursive: true });
    cpSync(copy, join(home, "ledger"), { recursive: true });
    const { code, json } = await holdfastJson<Audit>(["ledger", "audit"], { home });
    expect({ code, verdict: json.verdict }).toEqual({ code: 5, verdict: "rollback" });
    expect(json.problems.map(({ text }) => text).join()).toContain(`has seen ${Number(old.size) + 1} entries of this log, and here are ${old.size}`);
    const refused = await collect();
    expect(refused.code).toBe(5);
    expect(refused.stderr).toMatch(/ROLLBACK: .*Nothing is signed/);
    expect((await holdfastJson<Audit>(["ledger", "audit", "--offline"], { home })).json.size).toBe(old.size);
    expect(await run("status")).toMatchObject({ code: 5, stdout: expect.stringContaining("anchor witness:w1: ROLLBACK since") });
  });

  test("goes on recording where one witness of two lies about a larger size, and calls it out", async () => {
    const { home, run, witness, collect } = await story();
    const second = await startWitness("witness.example/w2", ORIGIN, readVkeys(join(home, "ledger", "keys")).vkeys);
    running.push(second);
    const file = join(home, "holdfast.yaml");
    const both = `"${witness.vkey}"}, {name: w2, url: "${second.url}", vkey: "${second.vkey}"}]`;
    writeFileSync(file, `${readFileSync(file, "utf8").replace(`"${witness.vkey}"}]`, both)}  quorum: 2\n`);
    second.lie = { size: 999 };
    const collected = await collect();
    expect(collected.code).toBe(0);
    expect(collected.stderr).toMatch(/ALARM: ROLLBACK: witness w2 has seen 999 entries of this log, and here are \d+/);
    const noted = await run("case", "note", "A-1", "still at work");
    expect(noted.code).toBe(0);
    expect(await run("status")).toMatchObject({ code: 5, stdout: expect.stringMatching(/anchor witness:w2: ROLLBACK since/) });
    const audited = await holdfastJson<Audit>(["ledger", "audit"], { home });
    expect({ code: audited.code, verdict: audited.json.verdict }).toEqual({ code: 5, verdict: "rollback" });
  });

  test.for<[string, (yaml: string) => string, RegExp]>([
    [
      "a witness key of another type",
      (yaml) => yaml.replace(/vkey: "[^"]*"/, 'vkey: "ledger.example/l/test+af6c4457+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"'),
      /anchors\.witnesses\[0\]\.vkey/,
    ],
    ["no root in ca", (yaml) => yaml.replace("./rsa.pem", "./holdfast.yaml"), /anchors\.timestamp\[0\]\.ca: there is no self-signed CA/],
    ["a ca that is not there", (yaml) => yaml.replace("./rsa.pem", "./none.pem"), /anchors\.timestamp\[0\]\.ca: .*none\.pem cannot be read/],
  ])("with %s collects nothing, exit 3, and names the key", async ([, change, message]) => {
    const { home, collect } = await story();
    const file = join(home, "holdfast.yaml");
    writeFileSync(file, change(readFileSync(file, "utf8")));
    const { code, stderr } = await collect();
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringMatching(message) });
  });

  test("without any of them, ledger anchor says what to configure", async () => {
    const home = join(dir.path, "bare");
    await holdfast(["init"], { home });
    expect(await holdfast(["ledger", "anchor"], { home })).toMatchObject({ code: 3, stderr: expect.stringContaining("anchors.witnesses") });
  });
});
