import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sshSigner } from "../../src/app/ssh-signer.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { open, pathsIn } from "../ledger/support.ts";
import { both } from "../verify/standalone-support.ts";
import { holdfast, holdfastJson, type Ran, temporary } from "./holdfast.ts";

const hasKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;
type Who = "jane" | "john" | "jean" | "robot" | "stranger";
type Json = { readonly request: string; readonly hash: string; readonly state: string };
let dir: ReturnType<typeof temporary>;
let home = "";

/** Who acts under which name, with which key, as their own configuration says. */
const hats: Readonly<Record<Who, { readonly id: string; readonly key: string; readonly kind?: string }>> = {
  jane: { id: "jane@example.org", key: "jane" },
  john: { id: "john@example.org", key: "john" },
  jean: { id: "jean@example.org", key: "jane" },
  robot: { id: "robot", key: "robot", kind: "machine" },
  stranger: { id: "judy@example.org", key: "stranger" },
};
const as = (who: Who, ...args: readonly string[]): Promise<Ran> => holdfast(["--config", join(dir.path, `${who}.yaml`), "--no-input", ...args], { home });
const asJson = <T>(who: Who, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly json: T; readonly stderr: string }> =>
  holdfastJson<T>(["--config", join(dir.path, `${who}.yaml`), "--no-input", ...args], { home });
const custody = async (): Promise<
  readonly {
    readonly seq: string;
    readonly act: string;
    readonly detail: Record<string, unknown>;
    readonly actor: { readonly id: string; readonly proof: string };
  }[]
> => (await asJson<{ acts: [] }>("jane", "custody", "T-1/001")).json.acts;

beforeAll(async () => {
  if (!hasKeygen) return;
  dir = temporary("two-persons");
  home = join(dir.path, "home");
  for (const key of ["jane", "john", "robot", "stranger"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(dir.path, key)]);
  for (const [who, { id, key, kind }] of Object.entries(hats))
    writeFileSync(
      join(dir.path, `${who}.yaml`),
      `actor: {id: ${id}, key: ${join(dir.path, `${key}.pub`)}${kind === undefined ? "" : `, kind: ${kind}`}}\nvaults: {here: {kind: directory, path: ${join(dir.path, "vault")}, retain: 1s}}\n`,
    );
  writeFileSync(join(dir.path, "a.log"), "x\n");
  expect((await as("jane", "init", "--origin", "two.example/l/1")).code).toBe(0);
});
afterAll(() => dir?.[Symbol.dispose]());

describe.skipIf(!hasKeygen)("one person, two hats (needs ssh-keygen)", () => {
  test("the first is enrolled alone, every later one with a second person; a machine too", async () => {
    const first = await as("jane", "actor", "enrol", "robot", "--machine", "--key", join(dir.path, "robot.pub"), "--reason", "night shift");
    expect([first.code, first.stderr]).toEqual([2, expect.stringMatching(/enrols themselves/)]);
    expect((await asJson("jane", "actor", "enrol", "--reason", "head of the lab")).code).toBe(0);
    const asked = await asJson<Json>("john", "actor", "enrol", "--reason", "joins");
    expect([asked.code, asked.json.state]).toEqual([6, "waiting"]);
    expect((await as("john", "approve", asked.json.request)).code).toBe(6);
    expect((await asJson("jane", "approve", asked.json.request, "--hash", asked.json.hash)).code).toBe(0);
    expect((await asJson("john", "actor", "enrol", "--reason", "joins")).code).toBe(0);
    const robot = ["actor", "enrol", "robot", "--machine", "--key", join(dir.path, "robot.pub"), "--reason", "night shift"];
    const machine = await asJson<Json>("jane", ...robot);
    expect((await as("john", "approve", machine.json.request)).code).toBe(0);
    expect((await as("jane", ...robot)).code).toBe(0);
    const { json } = await asJson<{ actors: readonly { id: string; kind: string; fingerprint: string }[] }>("jane", "actor", "list");
    expect(json.actors.map((a) => [a.id, a.kind])).toEqual([
      [hats.jane.id, "person"],
      [hats.john.id, "person"],
      ["robot", "machine"],
    ]);
    expect(json.actors[0]?.fingerprint).toBe(
      execFileSync("ssh-keygen", ["-l", "-f", join(dir.path, "jane.pub")])
        .toString("utf8")
        .split(" ")[1],
    );
  });

  let number = "";
  const clear = ["hold", "clear", "T-1/001", "--reason", "the matter is closed"];
  test("an exhibit under hold is collected, every act signed; clearing its hold waits for a second person", async () => {
    expect(
      (await as("jane", "collect", "host:local", "--case", "T-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir.path, "a.log"), "--legal-hold"))
        .code,
    ).toBe(0);
    expect((await custody()).map((a) => a.actor.proof)).toEqual(["signed", "signed"]);
    const asked = await asJson<Json>("jane", ...clear);
    expect([asked.code, asked.json.state]).toEqual([6, "waiting"]);
    expect((await asJson<Json>("jane", ...clear)).json.request).toBe(asked.json.request);
    number = asked.json.request;
  });

  test.for<readonly [string, Who, readonly string[], RegExp]>([
    ["the requester", "jane", [], /nobody approves their own request/],
    ["the requester under another name, with the same key", "jean", [], /the same person under another name/],
    ["a machine", "robot", [], /a machine never approves/],
    ["somebody who is not enrolled", "stranger", [], /is not enrolled/],
    ["a second person who was told of another request", "john", ["--hash", "0".repeat(64)], /is not the one that is approved/],
  ])("the approval of %s is refused with 6, as an act", async ([, who, more, why]) => {
    const ran = await as(who, "approve", number, ...more);
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringMatching(why)]);
    const last = (await custody()).at(-1);
    expect(last?.act === "refused" ? last : (await asJson<{ acts: [] }>("jane", "custody", "T-1/001")).json).toMatchObject({
      act: "refused",
      detail: { act: "approved", text: expect.stringMatching(why) },
    });
  });

  test("a request 73 h old is refused", async () => {
    const old = new Date(Date.now() - 73 * 3_600_000);
    const paths = pathsIn(join(home, "ledger"));
    const signer = await sshSigner({ actor: hats.jane.id, keyFile: join(dir.path, "jane.pub"), configFolder: dir.path, environment: {} });
    const recorder = await open(paths, { origin: readVkeys(paths.keys).origin, signer, clock: () => old });
    const detail = { act: "released", asked: { to: "court" } };
    await recorder.append([
      actDraft("requested", { id: hats.jane.id, kind: "person", proof: "asserted" }, { case: "T-1", exhibits: ["T-1/001"], reason: "long ago", detail }),
    ]);
    await recorder.close();
    const { json } = await asJson<{ requests: readonly Json[] }>("john", "requests");
    const expired = json.requests.at(-1);
    expect(expired?.state).toBe("expired");
    const ran = await as("john", "approve", expired?.request ?? "");
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringMatching(/the request is 73 h old/)]);
    expect((await custody()).at(-1)).toMatchObject({ act: "refused" });
  });

  test("a second person's approval is accepted, with it the hold is cleared once, and it is used up", async () => {
    expect((await as("john", "approve", number)).code).toBe(0);
    const cleared = await asJson<{ exhibits: readonly { stored: { legalHold: boolean } }[] }>("jane", ...clear);
    expect([cleared.code, cleared.json.exhibits[0]?.stored.legalHold]).toEqual([0, false]);
    const again = await as("jane", ...clear);
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/nothing to clear/)]);
    expect((await custody()).slice(-3).map((a) => [a.act, a.actor.id])).toEqual([
      ["approved", hats.john.id],
      ["hold-cleared", hats.jane.id],
      ["changed", hats.jane.id],
    ]);
  });

  test("a transfer is complete with the receiver's own signature, and nobody else's", async () => {
    expect((await as("jane", "transfer", "T-1/001", "--to", hats.john.id, "--reason", "to the examiner")).code).toBe(0);
    expect((await as("jane", "acknowledge", "T-1/001", "--reason", "got it")).code).toBe(2);
    expect((await as("john", "acknowledge", "T-1/001", "--reason", "got it")).code).toBe(0);
    expect((await custody()).slice(-3).map((a) => a.act)).toEqual(["verified", "transferred", "acknowledged"]);
  });

  test("a correction changes nothing and names what it corrects", async () => {
    expect((await as("john", "correct", "1", "the time zone was wrong", "--reason", "noticed")).code).toBe(0);
  });

  test("after its retention, and with two persons, it is disposed of, and verify does not miss it", async () => {
    const dispose = ["dispose", "T-1/001", "--reason", "retention has ended"];
    const asked = await asJson<Json>("john", ...dispose);
    expect(asked.code).toBe(6);
    expect((await as("jane", "approve", asked.json.request)).code).toBe(0);
    const gone = await asJson<{ exhibits: readonly { gone: boolean }[] }>("john", ...dispose);
    expect([gone.code, gone.json.exhibits[0]?.gone]).toEqual([0, true]);
    expect((await as("john", ...dispose)).stderr).toMatch(/nothing of it is stored.*disposed of/);
    expect((await asJson<{ verdict: string }>("jane", "verify")).json.verdict).toBe("intact");
  });

  test("the audit and both other verifiers accept it all; ssh-keygen accepts an exported signature and refuses its damaged twin", async () => {
    expect((await asJson<{ verdict: string; problems: [] }>("jane", "ledger", "audit")).json).toMatchObject({ verdict: "intact", problems: [] });
    const exported = join(dir.path, "export");
    expect((await as("jane", "ledger", "export", exported)).code).toBe(0);
    expect(await both(exported)).toMatchObject({ code: 0 });
    const approved = (await custody()).findLast((a) => a.act === "approved" && a.actor.id === hats.john.id) ?? expect.fail("no approval");
    const out = join(dir.path, "signed");
    const { json } = await asJson<{ keyid: string; verify: string }>("jane", "actor", "signature", approved.seq, "--out", out);
    expect(execFileSync("bash", ["-c", json.verify]).toString("utf8")).toBe(`Good "holdfast" signature for ${hats.john.id} with ED25519 key ${json.keyid}\n`);
    const message = readFileSync(out);
    message.writeUInt8(message.readUInt8(message.length - 9) ^ 1, message.length - 9);
    writeFileSync(out, message);
    expect(spawnSync("bash", ["-c", json.verify]).status).not.toBe(0);
    expect((await as("jane", "actor", "signature", "0", "--out", join(dir.path, "none"))).stderr).toMatch(/nobody signed it/);
  });
});
