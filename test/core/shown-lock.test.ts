import { expect, test } from "vitest";
import type { Act, ActName } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import { parseSha256 } from "../../src/core/digest.ts";
import { isAtLeast, type ShownLock, shownLockOf } from "../../src/core/exhibit.ts";
import { outcomeDetailToJson } from "../../src/core/outcome-detail.ts";
import type { Receipt } from "../../src/core/vault.ts";

const early = "2030-01-01T00:00:00Z";
const late = "2031-01-01T00:00:00Z";
const sealed: Receipt = {
  uri: "s3://b/k",
  version: "1",
  bytes: "1",
  encoding: "identity",
  checksum: { algorithm: "sha256", type: "full", value: "v", partSize: "1" },
  lock: "irrevocable",
  mode: "compliance",
  retainUntil: early,
  legalHold: false,
  sealed: true,
  text: "locked",
  problems: [],
  requestIds: [],
};
const gone: Receipt = { ...sealed, lock: "none", mode: null, retainUntil: null, sealed: false, problems: ["lock: the store shows none"] };
const unread: Receipt = { ...gone, lock: "unknown", legalHold: null, problems: ["lock: it could not be read"] };

function act(name: ActName, stored: Receipt, detail: Act["detail"]): Act {
  const { reserve: _, exhibits: __, ...draft } = actDraft(name, { id: "a", kind: "person", proof: "asserted" }, { stored, detail });
  const zero = parseSha256("0".repeat(64));
  const clock = { offsetMs: null, uncertaintyMs: null, source: "system" };
  return { ...draft, seq: 0, time: early, clock, tool: { name: "t", version: "0", sha256: zero }, exhibits: [], leafHash: zero };
}

function collected(stored: Receipt): Act {
  const { uri, version, encoding, checksum } = sealed;
  const asked = { mode: "compliance", retainUntil: early, legalHold: false } as const;
  const put = { vault: "main", key: "k", uri, version, bytes: 1, encoding, checksum, asked, requestIds: [] };
  const detail = { kind: "k", name: "n", mediaType: "", text: null, files: null, transform: [], reproducible: false, coverage: null, put, held: null };
  return act("collected", stored, outcomeDetailToJson(detail));
}

const extended = (stored: Receipt): Act => act("retention-extended", stored, { retainUntil: late });
const held = (stored: Receipt): Act => act("held", stored, {});
const promise: ShownLock = { lock: "irrevocable", mode: "compliance", retainUntil: early, legalHold: false };

const histories: readonly (readonly [string, readonly Act[], ShownLock | null])[] = [
  ["a lock that was shown is the promise", [collected(sealed)], promise],
  ["a lock that was never shown is none", [collected(unread)], null],
  [
    "a hold whose read-back finds the lock gone takes nothing from it",
    [collected(sealed), held({ ...gone, legalHold: true })],
    { ...promise, legalHold: true },
  ],
  ["a hold that was not shown was not promised", [collected(sealed), held(unread)], promise],
  ["an extension that was not shown was not promised", [collected(sealed), extended(unread)], promise],
  ["an extension that was shown counts", [collected(sealed), extended({ ...sealed, retainUntil: late })], { ...promise, retainUntil: late }],
  [
    "and stays when a later act could not read it",
    [collected(sealed), extended({ ...sealed, retainUntil: late }), held(unread)],
    { ...promise, retainUntil: late },
  ],
  ["a weaker lock that was shown without problems does not replace a stronger one", [collected(sealed), held({ ...sealed, lock: "removable" })], promise],
  ["a lock that came right later is the promise from then on", [collected(unread), held({ ...sealed, legalHold: true })], { ...promise, legalHold: true }],
];
test.for(histories)("%s", ([, acts, shown]) => {
  expect(shownLockOf(acts)).toEqual(shown);
});

test("worths are ordered, and unknown shows nothing", () => {
  expect([isAtLeast("irrevocable", "bypassable"), isAtLeast("removable", "none"), isAtLeast("removable", "bypassable"), isAtLeast("unknown", "none")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
