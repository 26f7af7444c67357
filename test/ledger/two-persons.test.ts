import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Json } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { twoPersonActs } from "../../src/core/two-persons.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { envelopeOf, pae, PAYLOAD_TYPE, payloadOf } from "../../src/ledger/format/leaf.ts";
import { parseSshKey } from "../../src/ledger/actors/ssh-key.ts";
import { forge } from "../damaged/tamper.ts";
import { act, append, approval, enrolled, enrolment, hat, type Fields, type Person, person, read, request } from "./actor-support.ts";
import { draft, forever, open, ORIGIN, tempHome } from "./support.ts";

let home: ReturnType<typeof tempHome>;
let jane: Person;
let john: Person;
let robot: Person;
const exhibit: Fields = { case: "A", exhibits: ["A/001"], reason: "matter closed" };
const start = new Date("2026-03-01T10:00:00.000Z");
const hoursLater = (hours: number): Date => new Date(start.getTime() + hours * 3_600_000);

beforeEach(async () => {
  home = tempHome();
  [jane, john, robot] = [person("jane"), person("john"), person("robot", "machine")];
  await enrolled(home.paths, jane, john, robot);
  await append(home.paths, jane, [
    actDraft("case-opened", jane.actor, { case: "A", detail: { severity: "high", sensitivity: "internal" } }),
    actDraft("started", jane.actor, { case: "A", reserve: 2 }),
  ]);
});
afterEach(() => home[Symbol.dispose]());

const all = () => read(home.paths, (reader) => [...reader.acts({})]);
const refusals = () => all().filter((a) => a.act === "refused");
const done = (number: string, fields: Fields = {}): Fields => ({ ...exhibit, detail: { request: number, asked: {} }, ...fields });

test("with a second person's approval it is done, once, and the log is whole", async () => {
  const number = await request(home.paths, jane, "hold-cleared", exhibit);
  await act(home.paths, john, "approved", approval(home.paths, number));
  await act(home.paths, jane, "hold-cleared", done(number));
  expect(refusals()).toEqual([]);
  await expect(act(home.paths, jane, "hold-cleared", done(number))).rejects.toThrow(/carried out already; an approval is used once/);
  expect(refusals()).toHaveLength(1);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

describe("an approval is refused, and the refusal is an act,", () => {
  const refused = async (who: Person, fields: Fields, why: RegExp, now: Date = hoursLater(1)): Promise<void> => {
    await expect(act(home.paths, who, "approved", fields, now)).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(why) });
    expect(refusals().at(-1)).toMatchObject({ detail: { act: "approved", actor: { id: who.actor.id }, text: expect.stringMatching(why) } });
    await expect(act(home.paths, jane, "hold-cleared", done("3"), now)).rejects.toThrow(/has not been approved/);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
  };
  let number = "";
  beforeEach(async () => {
    number = await request(home.paths, jane, "hold-cleared", exhibit, start);
    expect(number).toBe("3"); // 1 and 2 enrolled john and robot
  });

  test("of the requester", () => refused(jane, approval(home.paths, number), /nobody approves their own request/));
  test("of the requester under another name, with the same key", () =>
    refused(hat(jane, "jean"), approval(home.paths, number), /that of jane: the same person under another name/));
  test("of the requester in a second person's name", () =>
    refused(hat(jane, "john"), approval(home.paths, number), /that of jane: the same person under another name/));
  test("of somebody who is not enrolled", () => refused(person("judy"), approval(home.paths, number), /is not enrolled/));
  test("of a machine", () => refused(robot, approval(home.paths, number), /a machine never approves/));
  test("of a request whose hash is another", () => refused(john, { detail: { request: number, hash: "0".repeat(64) } }, /is not the one that is approved/));
  test("of a request that is not there", () => refused(john, { detail: { request: "99", hash: "0".repeat(64) } }, /no request "99"/));
  test("73 h after the request", () => refused(john, approval(home.paths, number), /73 h old/, hoursLater(73)));
  test("unsigned, in a second person's name", async () => {
    const recorder = await open(home.paths);
    await expect(recorder.append([actDraft("approved", john.actor, approval(home.paths, number))])).rejects.toThrow(/does not carry john's signature/);
    await recorder.close();
    expect(refusals()).toHaveLength(1);
  });
  test("a second time", async () => {
    await act(home.paths, john, "approved", approval(home.paths, number), hoursLater(1));
    await expect(act(home.paths, john, "approved", approval(home.paths, number), hoursLater(2))).rejects.toThrow(/has been approved already, by john/);
  });
  test("but not 72 h after it", async () => {
    await act(home.paths, john, "approved", approval(home.paths, number), hoursLater(72));
  });
});

describe("the act itself is refused", () => {
  test.for(twoPersonActs.filter((name) => !name.startsWith("actor-")))("%s of one person alone", async (name) => {
    await expect(act(home.paths, jane, name, { ...exhibit, detail: { asked: {} } })).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/needs a second person/),
    });
    expect(refusals().at(-1)?.detail).toMatchObject({ act: name });
  });

  test.for<readonly [string, Fields]>([
    ["another exhibit", { exhibits: ["A/002"] }],
    ["one exhibit more", { exhibits: ["A/001", "A/002"] }],
    ["another reason", { reason: "because" }],
    ["another authority", { authority: "court" }],
    ["another target", { target: "host:local" }],
    ["another date", { detail: { request: "3", asked: { retainUntil: "2026-01-01T00:00:00Z" } as Json } }],
  ])("with %s than was approved", async ([, change]) => {
    const number = await request(home.paths, jane, "hold-cleared", exhibit);
    await act(home.paths, john, "approved", approval(home.paths, number));
    await expect(act(home.paths, jane, "hold-cleared", done(number, change))).rejects.toThrow(/is not what request 3 asked for and john approved/);
    await expect(act(home.paths, jane, "released", done(number))).rejects.toThrow(/is not what request 3 asked for/);
    await act(home.paths, jane, "hold-cleared", done(number));
  });

  test("of another person than the one who asked, of a machine's asking, 73 h late, and without a reason", async () => {
    const number = await request(home.paths, jane, "released", exhibit, start);
    await act(home.paths, john, "approved", approval(home.paths, number), hoursLater(1));
    await expect(act(home.paths, john, "released", done(number), hoursLater(2))).rejects.toThrow(/that of jane, not of john/);
    await expect(act(home.paths, jane, "released", done(number), hoursLater(73))).rejects.toThrow(/73 h old/);
    await expect(request(home.paths, robot, "released", exhibit)).rejects.toThrow(/is a machine/);
    await expect(request(home.paths, jane, "released", { ...exhibit, reason: " " })).rejects.toThrow(/needs a reason/);
    await expect(request(home.paths, jane, "note", exhibit)).rejects.toThrow(/not an act that needs a second person/);
  });

  test("an enrolment or a revocation of one person alone", async () => {
    const judy = person("judy");
    await expect(act(home.paths, judy, "actor-enrolled", enrolment(judy))).rejects.toThrow(/needs a second person/);
    await expect(act(home.paths, jane, "actor-enrolled", enrolment(judy))).rejects.toThrow(/needs a second person/);
    await expect(act(home.paths, jane, "actor-revoked", { reason: "r", detail: { asked: { id: "john", key: john.line } } })).rejects.toThrow(
      /needs a second person/,
    );
  });
});

test("what a holder of the log's keys forges past the writer is found by the audit as two-persons", async () => {
  const number = await request(home.paths, jane, "disposed", exhibit);
  const last = all().at(-1) ?? expect.fail("no act");
  const { seq, leafHash, exhibits, ...fields } = last;
  const links = exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq + 1, exhibit_prev: leafHash }));
  const detail = { asked: {}, request: number, entry: { log: ORIGIN, seq: String(seq + 1) } };
  const predicate = { ...fields, act: "disposed" as const, once: `request/${number}/done`, exhibits: links, detail };
  const payload = payloadOf(ORIGIN, predicate);
  const signature = { keyid: parseSshKey(jane.line, "key").fingerprint, sig: Buffer.from(await jane.signer.sign(pae(PAYLOAD_TYPE, payload))) };
  forge(home.paths, envelopeOf("disposed", payload, Buffer.alloc(16, 1), [signature]), predicate);
  expect(await auditLedger(home.paths, forever)).toMatchObject({
    verdict: "altered",
    problems: [{ kind: "two-persons", seq: seq + 1, text: expect.stringMatching(/not been approved/) }],
  });
});

test("a refusal in a group leaves the others of the group whole, in order", async () => {
  const recorder = await open(home.paths, { signer: jane.signer });
  const size = all().length;
  const answers = await Promise.allSettled([
    recorder.append([draft("note", { reason: "a" })]),
    recorder.append([actDraft("released", jane.actor, exhibit)]),
    recorder.append([actDraft("note", jane.actor, { reason: "b", exhibits: ["A/001"] })]),
  ]);
  await recorder.close();
  expect(answers.map((a) => a.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(
    all()
      .slice(size)
      .map((a) => a.act),
  ).toEqual(["note", "refused", "note"]);
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});
