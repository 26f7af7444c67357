import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ActName } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { decodeLeaf, envelopeOf, pae, PAYLOAD_TYPE, payloadOf } from "../../src/ledger/format/leaf.ts";
import { readLogKeys } from "../../src/ledger/keys/log-keys.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { parseSshKey } from "../../src/ledger/actors/ssh-key.ts";
import { act, append, approval, enrolled, type Person, person, read, request } from "../ledger/actor-support.ts";
import { forever, ORIGIN, tempHome } from "../ledger/support.ts";
import { forgeExport, leavesOf } from "./forge.ts";
import { both, who } from "./standalone-support.ts";

let home: ReturnType<typeof tempHome>;
let dir = "";
let leaves: readonly Buffer[] = [];
const [jane, john, robot, stranger] = [person("jane"), person("john"), person("robot", "machine"), person("jane")];

beforeAll(async () => {
  home = tempHome();
  const { paths } = home;
  await enrolled(paths, jane, john, robot);
  await append(paths, jane, [
    actDraft("case-opened", jane.actor, { case: "A", detail: { severity: "high", sensitivity: "internal" } }),
    actDraft("started", jane.actor, { case: "A", reserve: 1 }),
  ]);
  const about = { case: "A", exhibits: ["A/001"], reason: "over" };
  const number = await request(paths, jane, "hold-cleared", about);
  await act(paths, john, "approved", approval(paths, number));
  await act(paths, jane, "hold-cleared", { ...about, detail: { request: number, asked: {} } });
  await expect(act(paths, jane, "hold-cleared", { ...about, detail: { request: number, asked: {} } })).rejects.toThrow(/used once/);
  const handed = await act(paths, jane, "transferred", { ...about, detail: { to: "john" } });
  await act(paths, john, "acknowledged", { ...about, detail: { transfer: "1", hash: read(paths, (r) => r.act(handed).leafHash) } });
  await request(paths, jane, "disposed", about);
  dir = join(home.dir, "export");
  const { checkpoint } = await exportLedger(paths, dir, forever);
  leaves = leavesOf(dir, Number(checkpoint.size));
});
afterAll(() => home[Symbol.dispose]());

test(`a log of signed acts, requests, approvals and a transfer is accepted by ${who}, which count them`, async () => {
  const answer = await both(dir, "--vkey", join(home.paths.keys, "log.vkey"));
  expect(answer.text).toMatch(/acts signed by their actors, all signatures good; 3 actors, 4 requests/);
  expect(answer.code).toBe(0);
});

/** A further entry, as the holder of the log's keys can make it: any content, signed by whom they like. */
async function further(fields: Partial<Predicate> & { readonly act: ActName }, by: Person | null, claimed: Person = by ?? jane): Promise<Buffer> {
  const seq = leaves.length;
  const last = decodeLeaf(seq - 1, leaves[seq - 1] ?? Buffer.alloc(0), ORIGIN);
  const { seq: _, leafHash, exhibits, ...rest } = last;
  const predicate: Predicate = {
    ...rest,
    once: null,
    actor: { ...claimed.actor, proof: by === null ? "asserted" : "signed" },
    exhibits: exhibits.map((e) => ({ id: e.id, exhibit_seq: e.seq + 1, exhibit_prev: leafHash })),
    ...fields,
    detail: { entry: { log: ORIGIN, seq: String(seq) }, ...fields.detail },
  };
  const payload = payloadOf(ORIGIN, predicate);
  const signatures =
    by === null ? [] : [{ keyid: parseSshKey(by.line, "key").fingerprint, sig: Buffer.from(await by.signer.sign(pae(PAYLOAD_TYPE, payload))) }];
  return envelopeOf(predicate.act, payload, Buffer.alloc(16, 9), signatures).bytes;
}

const disposal = { request: "4", asked: {} };
const hash = (): string => decodeLeaf(leaves.length - 1, leaves.at(-1) ?? Buffer.alloc(0), ORIGIN).leafHash;
const approve = (): Partial<Predicate> & { readonly act: ActName } => ({
  act: "approved",
  once: "request/4/approved",
  reason: null,
  detail: { request: "4", hash: hash() },
});

describe(`what the log's own keys sign is refused by ${who}:`, () => {
  test.for<readonly [string, RegExp, () => Promise<Buffer>]>([
    ["an unsigned act of an enrolled person", /without a signature/, () => further({ act: "note" }, null)],
    ["an act signed by a key that nobody enrolled", /not enrolled/, () => further({ act: "note" }, stranger)],
    ["an act signed by another person's key", /with the key of john/, () => further({ act: "note" }, john, jane)],
    ["a signature for another entry", /another entry/, () => further({ act: "note", detail: { entry: { log: ORIGIN, seq: "3" } } }, jane)],
    ["a signature for another log", /another log/, () => further({ act: "note", detail: { entry: { log: "x", seq: String(leaves.length) } } }, jane)],
    ["a person's act as a machine's", /\(machine\) with the key/, () => further({ act: "note" }, { ...jane, actor: { ...jane.actor, kind: "machine" } })],
    [
      "an act of one person that needs two",
      /no second person has approved/,
      () => further({ act: "disposed", once: "request/4/done", detail: disposal }, jane),
    ],
    ["the requester's own approval", /by the one who asked/, () => further(approve(), jane)],
    ["a machine's approval", /approval of a machine/, () => further(approve(), robot)],
    ["an approval of another hash", /approves another request/, () => further({ ...approve(), detail: { request: "4", hash: "0".repeat(64) } }, john)],
    ["an approval 73 h after the request", /72 h/, () => further({ ...approve(), time: "2099-01-01T00:00:00.000Z" }, john)],
    [
      "an approval used a second time",
      /again/,
      () => further({ act: "actor-enrolled", once: "actors/3", detail: { request: "1", asked: { id: "john", kind: "person", key: john.line } } }, john),
    ],
    ["a note that is named as an approval", /under the name/, () => further({ act: "note", once: "request/4/approved" }, jane)],
    [
      "an enrolment by one person",
      /follows no request/,
      () => further({ act: "actor-enrolled", once: "actors/3", detail: { request: null, asked: { id: "x", kind: "person", key: stranger.line } } }, jane),
    ],
    [
      "an acknowledgement of what was transferred to another",
      /not there/,
      () => further({ act: "acknowledged", once: "transfer/2/acknowledged", detail: { transfer: "2", hash: hash() } }, jane),
    ],
  ])("%s", async ([, names, make]) => {
    const forged = join(home.dir, "forged");
    rmSync(forged, { recursive: true, force: true });
    forgeExport(forged, [...leaves, await make()], ORIGIN, readLogKeys(home.paths.keys).signing);
    const answer = await both(forged, "--vkey", join(home.paths.keys, "log.vkey"));
    expect(answer.text).toMatch(names);
    expect(answer.code).toBe(1);
  });

  test("a changed bit in a signature, under whatever tree", async () => {
    const forged = join(home.dir, "bit");
    const flipped = leaves.map((leaf, i) => {
      if (i !== 1) return leaf;
      const envelope: { signatures: { sig: string }[] } = JSON.parse(leaf.toString("utf8"));
      const sig = Buffer.from(envelope.signatures[0]?.sig ?? "", "base64");
      sig.writeUInt8(sig.readUInt8(sig.length - 20) ^ 1, sig.length - 20);
      Object.assign(envelope.signatures[0] ?? {}, { sig: sig.toString("base64") });
      return Buffer.from(JSON.stringify(envelope));
    });
    forgeExport(forged, flipped, ORIGIN, readLogKeys(home.paths.keys).signing);
    const answer = await both(forged);
    expect(answer.text).toMatch(/entry 1: .*does not verify/);
    expect(answer.code).toBe(1);
  });

  test("but not the same further entries where they are right", async () => {
    const right = join(home.dir, "right");
    forgeExport(right, [...leaves, await further(approve(), john)], ORIGIN, readLogKeys(home.paths.keys).signing);
    expect(await both(right)).toMatchObject({ code: 0 });
  });
});
