import { expect, test } from "vitest";
import { outcomeDetailToJson } from "../../src/core/outcome-detail.ts";
import type { Held, Holder } from "../../src/core/held.ts";
import type { ObjectState, Receipt } from "../../src/core/vault.ts";
import type { SweptExhibit } from "../../src/core/sweep-report.ts";
import { sweepRetention } from "../../src/custody/sweep-retention.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { verifyExhibit } from "../../src/verify/verify-exhibit.ts";
import { actor, draft, forever, open, opening, tempHome } from "../ledger/support.ts";

const DAY = 86_400_000;
const start = Date.parse("2030-01-01T00:00:00Z");
const day = (n: number): string => new Date(start + n * DAY).toISOString().replace(".000Z", "Z");
const asked = { mode: "snapshot", retainUntil: day(90), legalHold: false } as const;
const held: Held = { provider: "aws", uri: "arn:aws:ec2:eu-west-1::snapshot/snap-1", bytes: 1, asked, reference: null };
const shown: Receipt = {
  uri: held.uri,
  version: null,
  bytes: "1",
  encoding: "identity",
  checksum: { algorithm: "sha256", type: "full", value: "", partSize: "1" },
  lock: "irrevocable",
  mode: "snapshot",
  retainUntil: day(90),
  legalHold: false,
  sealed: true,
  text: "locked in place",
  problems: [],
  requestIds: [],
};

test("a snapshot that its provider holds is renewed at the provider, its lapse and a shortened lock are found, a silent provider is unread", async () => {
  using home = tempHome();
  const recorder = await open(home.paths);
  await recorder.append([opening("H")]);
  await recorder.append([draft("started", { case: "H", reserve: 1 })]);
  const detail = { kind: "disk", name: "n", mediaType: "", text: null, files: null, transform: [], reproducible: false, coverage: null, put: null, held };
  await recorder.append([draft("collected", { case: "H", exhibits: ["H/001"], target: "aws:x", stored: shown, detail: outcomeDetailToJson(detail) })]);
  let state: ObjectState = { kind: "present", receipt: shown };
  const holder: Holder = {
    attest: async () => state,
    extend: async (_, retainUntil) => {
      state = { kind: "present", receipt: { ...shown, retainUntil } };
      return ["request-1"];
    },
  };
  const vaultOf = (): never => {
    throw new Error("nobody asks a vault");
  };
  const keepers = { vaultOf, holderOf: async () => holder };
  const sweepOn = async (now: number): Promise<SweptExhibit | undefined> => {
    const reader = openReader(home.paths);
    const all: SweptExhibit[] = [];
    const retention = { classes: {}, byKind: {}, bySeverity: {}, renewBefore: "30d" };
    const locks = async () => ({ reader, recorder, ...keepers, actor, reason: "sweep", authority: null });
    const look = async (from: typeof reader, id: string) => (await verifyExhibit(from, id, keepers, true, forever)).check;
    await sweepRetention(
      { reader, locks, look, retention, retainOf: () => "90d", clock: () => new Date(start + now * DAY) },
      false,
      (swept) => void all.push(swept),
      forever,
    );
    reader.close();
    return all[0];
  };
  expect(await sweepOn(59)).toMatchObject({ lock: "kept", renewal: "not-due" });
  expect(await sweepOn(60)).toMatchObject({ lock: "kept", renewal: "renewed", until: day(150) });
  state = { kind: "present", receipt: { ...shown, retainUntil: day(100) } };
  expect(await sweepOn(61)).toMatchObject({ lock: "broken", shownUntil: day(100), renewal: "not-due" });
  state = { kind: "unknown", text: "UnauthorizedOperation" };
  expect(await sweepOn(62)).toMatchObject({ lock: "unread", renewal: "not-due" });
  state = { kind: "present", receipt: { ...shown, retainUntil: day(150), lock: "none" } };
  expect(await sweepOn(151)).toMatchObject({ lock: "lapsed", renewal: "renewed", until: day(241) });
  await recorder.close();
});
