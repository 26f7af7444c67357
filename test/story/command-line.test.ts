import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documents } from "../../src/core/schema/documents.ts";
import { canBecomeOther, type CollectJson, holdfast, holdfastJson, temporary } from "./holdfast.ts";

let dir: ReturnType<typeof temporary>;
let home = "";
let logs = "";
beforeAll(async () => {
  dir = temporary("cli");
  home = join(dir.path, "home");
  logs = join(dir.path, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "x\n");
  expect((await holdfast(["init", "--origin", "ledger.example/l/cli"], { home })).code).toBe(0);
});
afterAll(() => dir[Symbol.dispose]());

describe("usage errors are exit 2, name the field, and leave stdout empty", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["an unknown command, with the nearest", ["colect"], /Did you mean collect/],
    ["an unknown option, with the nearest", ["verify", "--quik"], /Did you mean --quick/],
    ["no case and nobody to ask", ["--no-input", "collect", "host:local", "--reason", "r"], /--case/],
    ["no reason and nobody to ask", ["--no-input", "collect", "host:local", "--case", "C"], /--reason/],
    ["a case id that would be a path", ["collect", "host:local", "--case", "../x", "--reason", "r"], /case id/],
    ["a target that is none", ["collect", "hosts:local", "--case", "C", "--reason", "r"], /is not a target/],
    ["a kind that is none", ["collect", "host:local", "--case", "C", "--reason", "r", "--kind", "memry"], /--kind/],
    ["a time that is none", ["plan", "host:local", "--since", "yesterday"], /--since/],
    ["a window that ends before it begins", ["plan", "host:local", "--since", "1h", "--until", "2h"], /not before/],
    ["an exhibit that is none", ["custody", "NO-SUCH/001"], /no exhibit/],
    ["a collection that is none", ["resume", "nothing"], /no collection/],
    ["a schema that is none, with the nearest", ["schema", "colect"], /did you mean collect/],
    ["a shell that is none", ["completion", "tcsh"], /bash, zsh or fish/],
    ["a choice that is none", ["case", "open", "C-9", "--severity", "hihg"], /--severity/],
    ["a schema named as what every object inherits", ["schema", "constructor"], /no schema "constructor"/],
    ["a retention class named as what every object inherits", ["case", "open", "C-9", "--retention", "constructor"], /--retention/],
    ["a day that no month has", ["plan", "host:local", "--since", "2026-02-31T00:00:00Z"], /--since/],
    ["a beginning before all years", ["plan", "host:local", "--since", "999999999y"], /--since/],
    ["a retention beyond all years", ["collect", "host:local", "--case", "C", "--reason", "r", "--retain", "999999999y"], /--retain/],
    ["an extension beyond all years", ["retain", "extend", "C/001", "--until", "999999999y", "--reason", "r"], /--until/],
    ["an origin that is none", ["init", "--origin", "http://x y"], /--origin/],
    ["a plan for a case id that would be a path", ["plan", "host:local", "--case", "../x"], /case id/],
    ["a plan for a retention that is none", ["plan", "host:local", "--retain", "long"], /--retain/],
  ];
  test.for(cases.map(([name, args, message]) => ({ name, args, message })))("$name", async ({ args, message }) => {
    const ran = await holdfast(args, { home });
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(message);
  });
});

describe("configuration errors are exit 3 and name the key", () => {
  test.for([
    { yaml: "vault: {}\n", message: /vault: unknown key; did you mean vaults\?/ },
    { yaml: "vaults: {main: {kind: s4, bucket: b}}\n", message: /vaults\.main\.kind/ },
    { yaml: "vaults: {main: {kind: s3}}\n", message: /vaults\.main\.bucket/ },
    { yaml: "defaultVault: nowhere\n", message: /defaultVault/ },
    { yaml: "anchors: {worm: main}\n", message: /anchors\.worm: there is no vault "main"/ },
    { yaml: "origin: https://example.org/l\n", message: /origin/ },
    { yaml: "vaults: [\n", message: /not YAML/ },
    { yaml: "host: {avml: {path: /x, sha256: abc}}\n", message: /host\.avml\.sha256/ },
  ])("$yaml", async ({ yaml, message }) => {
    using other = temporary("config");
    writeFileSync(join(other.path, "holdfast.yaml"), yaml);
    const ran = await holdfast(["case", "list"], { home: other.path });
    expect([ran.code, ran.stdout]).toEqual([3, ""]);
    expect(ran.stderr).toMatch(message);
  });

  test("a vault that the configuration does not have is named with the nearest", async () => {
    const ran = await holdfast(["collect", "host:local", "--case", "C", "--reason", "r", "--vault", "her"], { home });
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringMatching(/did you mean here/)]);
  });
});

test("plan refuses what collect refuses: an unknown vault with 3, isolation with 6", async () => {
  for (const command of ["plan", "collect"]) {
    const order = [command, "host:local", "--case", "C", "--reason", "r"];
    expect((await holdfast([...order, "--vault", "constructor"], { home })).code).toBe(3);
    expect((await holdfast([...order, "--isolate", "now"], { home })).code).toBe(6);
  }
});

describe("global options work before and after the command", () => {
  test.for(["exhibits --json", "case list --json", "--json status", "ledger audit --json", "status --json --quiet", "verify --quick --quiet --json"])(
    "%s",
    async (line) => {
      const ran = await holdfast(line.split(" "), { home });
      expect([ran.code, JSON.parse(ran.stdout).schema, ran.stderr]).toEqual([0, expect.stringMatching(/^holdfast\./), ""]);
    },
  );
  test("--home, and --json after an option that takes several values", async () => {
    const ran = await holdfast(["plan", "host:local", "--log", logs, "--json", "--home", home], { home: join(dir.path, "elsewhere") });
    expect([ran.code, JSON.parse(ran.stdout).schema]).toEqual([0, "holdfast.plan/1"]);
  });
  test("--no-input", async () => {
    expect((await holdfast(["collect", "host:local", "--reason", "r", "--no-input"], { home })).stderr).toMatch(/--case/);
  });
  test("what follows -- is text, even if it looks like one", async () => {
    expect((await holdfast(["case", "open", "G-1"], { home })).code).toBe(0);
    expect((await holdfast(["case", "note", "--", "G-1", "--json"], { home })).stdout).toMatch(/^noted as act/);
  });
});

describe("what is printed", () => {
  test("help begins with examples and is exit 0", async () => {
    const ran = await holdfast(["--help"], { home });
    expect(ran.code).toBe(0);
    expect(ran.stdout.trimStart()).toMatch(/^Examples:/);
  });
  test("the version is that of the package", async () => {
    expect((await holdfast(["--version"], { home })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
  test("plan changes nothing: not even a home is made", async () => {
    const none = join(dir.path, "no-home");
    expect((await holdfastJson(["plan", "host:local", "--log", logs], { home: none })).code).toBe(0);
    expect(existsSync(none)).toBe(false);
  });
  test.for(["verify", "exhibits", "status", "ledger audit", "ledger checkpoint", "case list"])(
    "a mistyped --home is no intact, empty ledger: %s is exit 3",
    async (command) => {
      const none = join(dir.path, "mistyped");
      const ran = await holdfast(command.split(" "), { home: none });
      expect([ran.code, ran.stdout, existsSync(none)]).toEqual([3, "", false]);
      expect(ran.stderr).toMatch(/no Holdfast home/);
    },
  );
  test("--jsonl prints one object a line", async () => {
    await holdfast(["collect", "host:local", "--case", "L-1", "--reason", "r", "--kind", "access-logs", "--log", logs], { home });
    const ran = await holdfast(["--jsonl", "exhibits", "--case", "L-1"], { home });
    for (const line of ran.stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("id");
  });
  test("--quiet says nothing on stderr", async () => {
    const ran = await holdfast(["--quiet", "collect", "host:local", "--case", "L-1", "--reason", "r", "--kind", "access-logs", "--log", logs], { home });
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
  });
  test("a name with escape sequences never reaches the terminal raw", async () => {
    const hostile = join(dir.path, "hostile");
    mkdirSync(hostile);
    writeFileSync(join(hostile, "\u001b[2Jgone\n\u202e.log"), "x");
    const ran = await holdfast(
      ["collect", "host:local", "--case", "L-2", "--reason", "r", "--kind", "access-logs", "--log", join(hostile, "\u001b[2Jgone\n\u202e.log")],
      { home },
    );
    const json = await holdfast(["--json", "exhibits", "--case", "L-2"], { home });
    for (const text of [ran.stdout, ran.stderr, json.stdout]) expect(text).not.toMatch(/\u001b|\u202e/);
  });
  test("every shipped schema prints, and completions name every command", async () => {
    for (const name of Object.keys(documents)) expect(JSON.parse((await holdfast(["schema", name], { home })).stdout).title).toBe(`holdfast.${name}/1`);
    for (const shell of ["bash", "zsh", "fish"]) expect((await holdfast(["completion", shell], { home })).stdout).toMatch(/collect[\s\S]*verify/);
  });
});

test("--json prints the names of the schemas and a completion script as one document each", async () => {
  expect((await holdfastJson<{ names: string[] }>(["schema"], { home })).json.names).toEqual(Object.keys(documents));
  const script = (await holdfast(["completion", "bash"], { home })).stdout.trimEnd();
  expect((await holdfastJson<{ script: string }>(["completion", "bash"], { home })).json.script).toBe(script);
});

test.skipIf(!canBecomeOther)("a user id without a passwd entry can do everything, and its acts say which id it was", async () => {
  using other = temporary("nobody");
  chmodSync(other.path, 0o777);
  const options = { home: join(other.path, "home"), uid: 1234 };
  expect((await holdfast(["case", "open", "U-1"], options)).code).toBe(0);
  expect((await holdfast(["case", "note", "U-1", "n"], options)).code).toBe(0);
  const { json } = await holdfastJson<{ notes: { actor: string }[] }>(["case", "show", "U-1"], options);
  expect(json.notes[0]?.actor).toMatch(/^uid-1234@/);
  const homeless = await holdfast(["case", "list"], { uid: 1234, env: { HOME: "", HOLDFAST_HOME: "" } });
  expect([homeless.code, homeless.stderr]).toEqual([3, expect.stringMatching(/--home/)]);
});

describe("cases", () => {
  test("a case is opened once, shown, noted and listed", async () => {
    expect((await holdfastJson(["case", "open", "C-1", "--title", "Größe", "--severity", "high", "--jurisdiction", "DE"], { home })).code).toBe(0);
    expect((await holdfast(["case", "open", "C-1"], { home })).code).toBe(6);
    expect((await holdfastJson(["case", "note", "C-1", "called counsel"], { home })).code).toBe(0);
    const { json } = await holdfastJson<{ case: { severity: string; title: string }; notes: { text: string }[] }>(["case", "show", "C-1"], { home });
    expect([json.case.severity, json.case.title, json.notes.map((n) => n.text)]).toEqual(["high", "Größe", ["called counsel"]]);
  });
});

describe("collections", () => {
  test("cancelling closes what is open and cleanup finds nothing more", async () => {
    const { json } = await holdfastJson<CollectJson>(["collect", "host:local", "--case", "X-1", "--reason", "r", "--kind", "access-logs", "--log", logs], {
      home,
    });
    const id = json.collections[0]?.collection ?? "";
    expect((await holdfast(["resume", id], { home })).code).toBe(0); // finished: nothing left, same answer
    expect((await holdfastJson<{ removed: unknown[] }>(["cleanup", id], { home })).json.removed).toEqual([]);
    expect((await holdfast(["cancel", id], { home })).code).toBe(6);
  });
  test("a detached collection is finished by its own process", async () => {
    const { code, json } = await holdfastJson<{ schema: string; collections: { collection: string }[] }>(
      ["collect", "host:local", "--case", "X-2", "--reason", "r", "--kind", "access-logs", "--log", logs, "--detach"],
      { home },
    );
    const id = json.collections[0]?.collection ?? "";
    expect([code, json.schema]).toEqual([0, "holdfast.detached/1"]);
    await expect
      .poll(async () => (await holdfastJson<{ collections: { state: string }[] }>(["status", id], { home })).json.collections[0]?.state, {
        timeout: 30_000,
        interval: 500,
      })
      .toBe("finished");
    expect((await holdfastJson<{ acts: { act: string }[] }>(["custody", "X-2/001"], { home })).json.acts.map((a) => a.act)).toEqual(["started", "collected"]);
  });
  test("--isolate is refused in words, since nothing here can isolate", async () => {
    expect((await holdfast(["collect", "host:local", "--case", "X-3", "--reason", "r", "--isolate", "now"], { home })).code).toBe(6);
  });
  test("--server is refused in words, since this release has none", async () => {
    expect((await holdfast(["--server", "http://127.0.0.1:1", "case", "list"], { home })).code).toBe(3);
  });
  test("doctor says that a collection would work, and what it would be worth", async () => {
    const { code, json } = await holdfastJson<{ ok: boolean; checks: { check: string; text: string }[] }>(["doctor", "host:local"], { home });
    expect([code, json.ok], JSON.stringify(json.checks)).toEqual([0, true]);
    expect(json.checks.map((c) => c.check)).toEqual(expect.arrayContaining(["ledger", "anchors", "target host:local"]));
  });
});
