import { type Act, type ActName, actNames } from "../../core/act.ts";
import { nameSubject, PREDICATE_TYPE, STATEMENT_TYPE, unsignedPayload } from "./leaf.ts";
import { parseLinks, parseTime } from "./predicate.ts";
import { surelyCanonical } from "./surely-canonical.ts";

/** What an audit has to know of an act that no rule of custody names. */
export type ActSummary = Pick<Act, "seq" | "act" | "case" | "collection" | "once" | "lease" | "exhibits"> & {
  readonly actor: Pick<Act["actor"], "id" | "proof">;
};

// No part can go on where the next one begins, so a text of whatever make is told in one pass.
const SAFE = "[ !#-[\\]-~]"; // printable ASCII without quote and backslash: one spelling, and nothing to normalise
const TEXT = `"${SAFE}*(?:\\\\["\\\\bfnrt]${SAFE}*)*"`;
const FILLED = `"${SAFE}+"`;
const DECIMAL = '"-?\\d+(?:\\.\\d+)?"';
const SHA256 = '"[0-9a-f]{64}"';
const COUNT = "(?:0|[1-9]\\d{0,14})";
const orNull = (pattern: string): string => `(?:null|${pattern})`;
const list = (pattern: string): string => `\\[(?:${pattern}(?:,${pattern})*)?\\]`;
const object = (members: Readonly<Record<string, string>>): string =>
  `\\{${Object.entries(members)
    .map(([name, pattern]) => `"${name}":${pattern}`)
    .join(",")}\\}`;

/** FORMAT.md §4 in the order of JCS, for what is plain ASCII, stores nothing and is about a name. What is captured is looked at again. */
const PREDICATE = object({
  act: '"([a-z-]+)"',
  actor: object({ id: `"(${SAFE}+)"`, kind: '"(?:person|machine)"', proof: '"(oidc|asserted)"' }),
  authority: orNull(TEXT),
  case: orNull('"([A-Za-z0-9][A-Za-z0-9._-]{0,63})"'),
  clock: object({ offsetMs: orNull(DECIMAL), source: FILLED, uncertaintyMs: orNull(DECIMAL) }),
  collection: orNull(`"(${SAFE}+)"`),
  detail: "(\\{.*?\\})",
  digests: "\\{\\}",
  exhibits: `(${list(object({ exhibit_prev: SHA256, exhibit_seq: COUNT, id: FILLED }))})`,
  lease: orNull(`(${COUNT})`),
  once: orNull(`"(${SAFE}+)"`),
  reason: orNull(TEXT),
  requestIds: list(TEXT),
  step: orNull(FILLED),
  stored: "null",
  target: orNull(FILLED),
  time: '"([^"]*)"',
  tool: object({ name: FILLED, sha256: SHA256, version: FILLED }),
});
const STATEMENT = new RegExp(
  `^${object({ _type: RegExp.escape(`"${STATEMENT_TYPE}"`), predicate: PREDICATE, predicateType: RegExp.escape(`"${PREDICATE_TYPE}"`), subject: "(\\[.*\\])" })}$`,
);

/** An opening says more, which the whole parser checks. */
const plainNames: ReadonlyMap<string, ActName> = new Map(actNames.filter((name) => name !== "case-opened").map((name) => [name, name]));

/**
 * What `decodeLeaf` would read, for the leaves that most are: told by one pattern over the bytes, several times faster than parsing
 * and printing again, since whoever audits reads every leaf. An answer is certain; null is none, and `decodeLeaf` has to look.
 */
export function plainAct(seq: number, leaf: Buffer, origin: string): ActSummary | null {
  const payload = unsignedPayload(leaf);
  const found = payload === null ? null : STATEMENT.exec(payload);
  if (found === null) return null;
  const [, word = "", id = "", proof, caseId = null, collection = null, detail = "", links = "", lease, once = null, time, subject] = found;
  const act = plainNames.get(word);
  if (act === undefined || (lease !== undefined && collection === null) || subject !== nameSubject(caseId ?? origin)) return null;
  try {
    parseTime(time);
    if (detail !== "{}" && !surelyCanonical(JSON.parse(detail), detail)) return null;
    const exhibits = links === "[]" ? [] : parseLinks(JSON.parse(links)).map((e) => ({ id: e.id, seq: e.exhibit_seq, prev: e.exhibit_prev }));
    const actor = { id, proof: proof === "oidc" ? "oidc" : "asserted" } as const;
    return { seq, act, actor, case: caseId, collection, once, lease: lease === undefined ? null : Number(lease), exhibits };
  } catch {
    return null; // it is for decodeLeaf to say what is wrong
  }
}
