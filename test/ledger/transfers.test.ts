import { afterEach, beforeEach, expect, test } from "vitest";
import { actDraft } from "../../src/core/act-draft.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { act, append, enrolled, type Fields, person, read } from "./actor-support.ts";
import { forever, open, tempHome } from "./support.ts";

const [jane, john, judy] = [person("jane"), person("john"), person("judy")];
const about: Fields = { case: "A", exhibits: ["A/001"], reason: "to the examiner" };
let home: ReturnType<typeof tempHome>;
let hash = "";
beforeEach(async () => {
  home = tempHome();
  await enrolled(home.paths, jane, john, judy);
  await append(home.paths, jane, [
    actDraft("case-opened", jane.actor, { case: "A", detail: { severity: "high", sensitivity: "internal" } }),
    actDraft("started", jane.actor, { case: "A", reserve: 2 }),
  ]);
  const seq = await act(home.paths, jane, "transferred", { ...about, detail: { to: "john" } });
  hash = read(home.paths, (reader) => reader.act(seq).leafHash);
});
afterEach(() => home[Symbol.dispose]());
const receipt = (more: Fields = {}): Fields => ({ ...about, detail: { transfer: "1", hash }, ...more });

test("a transfer is acknowledged by its receiver, signed, once", async () => {
  await act(home.paths, john, "acknowledged", receipt());
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

test.for([
  ["by who handed over", jane, receipt, /is to "john"/],
  ["by a third person", judy, receipt, /is to "john"/],
  ["of other exhibits", john, () => receipt({ exhibits: ["A/002"] }), /not about the exhibits/],
  ["of more exhibits", john, () => receipt({ exhibits: ["A/001", "A/002"] }), /not about the exhibits/],
  ["of another transfer's hash", john, () => receipt({ detail: { transfer: "1", hash: "0".repeat(64) } }), /not the one that is acknowledged/],
  ["of no transfer", john, () => receipt({ detail: { transfer: "2", hash } }), /no transfer "2"/],
] as const)("an acknowledgement %s is refused, as an act", async ([, who, fields, why]) => {
  await expect(act(home.paths, who, "acknowledged", fields())).rejects.toMatchObject({ code: "refused", message: expect.stringMatching(why) });
  expect(read(home.paths, (reader) => reader.act(reader.size() - 1))).toMatchObject({ act: "refused", detail: { act: "acknowledged" } });
  await act(home.paths, john, "acknowledged", receipt());
  expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
});

test("an acknowledgement that nobody signed, and a transfer of nothing or to nobody, are refused", async () => {
  const recorder = await open(home.paths);
  await expect(recorder.append([actDraft("acknowledged", { id: "somebody", kind: "person", proof: "asserted" }, receipt())])).rejects.toThrow(
    /has to be signed/,
  );
  await recorder.close();
  await expect(act(home.paths, jane, "transferred", { ...about, exhibits: [], detail: { to: "john" } })).rejects.toThrow(/no receiver or no exhibit/);
  await expect(act(home.paths, jane, "transferred", about)).rejects.toThrow(/no receiver or no exhibit/);
});
