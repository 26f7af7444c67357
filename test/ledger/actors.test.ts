import { describe, expect, test } from "vitest";
import { actDraft } from "../../src/core/act-draft.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { envelopeOf, pae, PAYLOAD_TYPE, payloadOf } from "../../src/ledger/format/leaf.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { parseSshKey } from "../../src/ledger/actors/ssh-key.ts";
import { forge, readHead, writeHead } from "../damaged/tamper.ts";
import { act, append, approval, enrolled, enrolment, hat, person, read, request } from "./actor-support.ts";
import { draft, forever, open, ORIGIN, tempHome } from "./support.ts";

const acts = (paths: LedgerPaths) => read(paths, (reader) => [...reader.acts({})]);
const whole = { verdict: "intact", problems: [] };

describe("an enrolled actor", () => {
  test("signs every act from its enrolment on, and an audit verifies each", async () => {
    using home = tempHome();
    const jane = person("jane");
    await act(home.paths, jane, "note", { reason: "before" });
    await act(home.paths, jane, "actor-enrolled", enrolment(jane));
    await append(home.paths, jane, [actDraft("note", jane.actor, { reason: "one" }), actDraft("note", jane.actor, { reason: "two" })]);
    expect(acts(home.paths).map((a) => [a.act, a.actor.proof])).toEqual([
      ["note", "asserted"],
      ["actor-enrolled", "signed"],
      ["note", "signed"],
      ["note", "signed"],
    ]);
    expect(acts(home.paths)[2]?.detail).toEqual({ entry: { log: ORIGIN, seq: "2" } });
    expect(await auditLedger(home.paths, forever)).toMatchObject(whole);
  });

  test("chains exhibits through its signatures, several acts in one append", async () => {
    using home = tempHome();
    const jane = person("jane");
    await enrolled(home.paths, jane);
    const fields = { case: "A", detail: { severity: "high", sensitivity: "internal" } };
    await append(home.paths, jane, [
      actDraft("case-opened", jane.actor, fields),
      actDraft("started", jane.actor, { case: "A", reserve: 1 }),
      actDraft("note", jane.actor, { exhibits: ["A/001"] }),
      actDraft("note", jane.actor, { exhibits: ["A/001"] }),
    ]);
    expect(await auditLedger(home.paths, forever)).toMatchObject(whole);
  });
});

describe("what is appended in an enrolled person's name is refused, and the refusal is an act,", () => {
  test.for([
    ["unsigned", () => null, /does not carry jane's signature/],
    ["signed with a key that nobody enrolled", () => person("jane"), /is not enrolled/],
    ["signed with another person's key", ({ john }) => hat(john, "jane"), /is that of john/],
    [
      "signed by a key of hers that makes a wrong signature",
      ({ jane }) => ({ ...jane, signer: { ...jane.signer, sign: person("x").signer.sign } }),
      /its signature/,
    ],
    ["by a machine of her name", ({ jane }) => ({ ...jane, actor: { ...jane.actor, kind: "machine" as const } }), /enrolled as a person/],
  ] as const satisfies readonly (readonly [
    string,
    (of: Readonly<Record<"jane" | "john", ReturnType<typeof person>>>) => ReturnType<typeof person> | null,
    RegExp,
  ])[])("%s", async ([, impostor, why]) => {
    using home = tempHome();
    const [jane, john] = [person("jane"), person("john")];
    await enrolled(home.paths, jane, john);
    const before = acts(home.paths).length;
    const who = impostor({ jane, john });
    const recorder = await open(home.paths, { signer: who?.signer ?? null });
    const attempt = recorder.append([draft("note", { reason: "fine" }), actDraft("note", who?.actor ?? jane.actor, { reason: "I, Jane, did it" })]);
    await expect(attempt).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(why) });
    await recorder.close();
    const found = acts(home.paths);
    expect(found.length).toBe(before + 1);
    expect(found.at(-1)).toMatchObject({
      act: "refused",
      actor: { id: "holdfast", kind: "machine", proof: "asserted" },
      reason: "I, Jane, did it",
      detail: { act: "note", actor: { id: "jane" }, text: expect.stringMatching(why) },
    });
    expect(await auditLedger(home.paths, forever)).toMatchObject(whole);
  });

  test("with a revoked key after its revocation; unsigned too, for ever", async () => {
    using home = tempHome();
    const [jane, john] = [person("jane"), person("john")];
    await enrolled(home.paths, jane, john);
    const asked = { id: "john", key: john.line };
    const number = await request(home.paths, jane, "actor-revoked", { reason: "lost laptop", asked });
    await act(home.paths, john, "approved", approval(home.paths, number));
    await act(home.paths, jane, "actor-revoked", { reason: "lost laptop", detail: { asked, request: number } });
    await expect(act(home.paths, john, "note")).rejects.toThrow(/was revoked by entry/);
    const recorder = await open(home.paths);
    await expect(recorder.append([actDraft("note", john.actor, {})])).rejects.toThrow(/does not carry john's signature/);
    await recorder.close();
    expect(await auditLedger(home.paths, forever)).toMatchObject(whole);
  });

  test("a key that is another's, whatever the name, and the name of the program itself", async () => {
    using home = tempHome();
    const jane = person("jane");
    await enrolled(home.paths, jane);
    await expect(request(home.paths, jane, "actor-enrolled", { asked: enrolment(hat(jane, "john")).detail?.["asked"] ?? null })).rejects.toThrow(
      /already that of jane/,
    );
    await expect(request(home.paths, jane, "actor-enrolled", { asked: enrolment(person("holdfast")).detail?.["asked"] ?? null })).rejects.toThrow(/nobody's/);
    await expect(request(home.paths, jane, "actor-enrolled", { asked: { id: "x", kind: "person", key: "ssh-dss AAAA" } })).rejects.toMatchObject({
      code: "refused",
    });
  });
});

test("names of requests and enrolments are the ledger's own: no draft takes one", async () => {
  using home = tempHome();
  const recorder = await open(home.paths);
  for (const once of ["actors/0", "request/1", "request/1/approved"])
    await expect(recorder.append([draft("note", { once })])).rejects.toMatchObject({ code: "usage" });
  await recorder.close();
});

/** What somebody does who holds the machine and the log's keys, and asks no writer. */
async function forged(paths: LedgerPaths, edit: (last: Predicate) => Predicate, signer: ReturnType<typeof person>["signer"] | null): Promise<void> {
  const { seq, leafHash: _, exhibits: __, ...last } = acts(paths).at(-1) ?? expect.fail("no act");
  const predicate = edit({ ...last, exhibits: [], detail: { ...last.detail, entry: { log: ORIGIN, seq: String(seq + 1) } } });
  const payload = payloadOf(ORIGIN, predicate);
  const key = signer === null ? null : parseSshKey(signer.publicKey, "key");
  const signatures = signer === null || key === null ? [] : [{ keyid: key.fingerprint, sig: Buffer.from(await signer.sign(pae(PAYLOAD_TYPE, payload))) }];
  forge(paths, envelopeOf(predicate.act, payload, Buffer.alloc(16, 1), signatures), predicate);
}

describe("a fabricated act in another's name, under the log's own keys, is found by the audit:", () => {
  test.for([
    ["unsigned", (p: Predicate) => ({ ...p, actor: { ...p.actor, proof: "asserted" as const } }), "nobody", /does not carry jane's signature/],
    ["signed by the log's holder with a key of their own", (p: Predicate) => p, "mallory", /is not enrolled/],
    ["signed with another person's key", (p: Predicate) => p, "john", /is that of john/],
    ["replayed: signed for another entry", (p: Predicate) => ({ ...p, detail: { entry: { log: ORIGIN, seq: "1" } } }), "jane", /is not for entry/],
    ["replayed from another log", (p: Predicate) => ({ ...p, detail: { entry: { log: "other.example/l", seq: "9" } } }), "jane", /is not for entry/],
  ] as const)("%s", async ([, edit, by, why]) => {
    using home = tempHome();
    const all = { jane: person("jane"), john: person("john"), mallory: person("jane"), nobody: null };
    await enrolled(home.paths, all.jane, all.john);
    await act(home.paths, all.jane, "note", { reason: "genuine" });
    await forged(home.paths, edit, all[by]?.signer ?? null);
    const audit = await auditLedger(home.paths, forever);
    expect(audit).toMatchObject({ verdict: "altered", problems: [{ kind: "actor-signature", text: expect.stringMatching(why) }] });
    expect(audit.found).toEqual(audit.signed); // nothing but the signature tells
  });

  test("one changed bit in a signature", async () => {
    using home = tempHome();
    const jane = person("jane");
    await enrolled(home.paths, jane);
    const flipped = (sig: Buffer): Buffer => {
      sig.writeUInt8(sig.readUInt8(sig.length - 40) ^ 1, sig.length - 40);
      return sig;
    };
    const broken = { ...jane.signer, sign: async (m: Uint8Array) => flipped(Buffer.from(await jane.signer.sign(m))) };
    await act(home.paths, jane, "note");
    await forged(home.paths, (p) => p, broken);
    expect(await auditLedger(home.paths, forever)).toMatchObject({ problems: [{ kind: "actor-signature", text: expect.stringMatching(/does not verify/) }] });
  });

  test("and is not signed for where it was only put into the file", async () => {
    using home = tempHome();
    const jane = person("jane");
    await enrolled(home.paths, jane);
    const head = readHead(home.paths);
    await forged(home.paths, (p) => ({ ...p, act: "note", once: null, actor: { ...p.actor, proof: "asserted" } }), null);
    writeHead(home.paths, head);
    await expect(open(home.paths)).rejects.toMatchObject({ code: "fork", message: expect.stringMatching(/may not stand there/) });
  });
});
