import { type Act, type ActName, actNames, type Json } from "../../core/act.ts";
import { parseCaseId, parseExhibitId, sensitivities, severities } from "../../core/case.ts";
import { parseSha256, type Sha256 } from "../../core/digest.ts";
import type { LockMode, LockWorth } from "../../core/lock.ts";
import type { Receipt } from "../../core/vault.ts";
import { count, digits, type Fields, fields, filled, flag, list, oneOf, orNull, record, text, wrong } from "./shape.ts";

/** The signed content of an act: what FORMAT.md §4 tabulates. The tree index is not part of it. */
export type Predicate = Omit<Act, "seq" | "leafHash" | "exhibits"> & { readonly exhibits: readonly ExhibitLink[] };
export type ExhibitLink = { readonly id: string; readonly exhibit_seq: number; readonly exhibit_prev: Sha256 };

const names = [
  "act",
  "actor",
  "authority",
  "case",
  "clock",
  "collection",
  "detail",
  "digests",
  "exhibits",
  "lease",
  "once",
  "reason",
  "requestIds",
  "step",
  "stored",
  "target",
  "time",
  "tool",
];
const worths: readonly LockWorth[] = ["irrevocable", "bypassable", "removable", "none", "unknown"];
const modes: readonly LockMode[] = ["compliance", "governance", "locked", "unlocked", "directory", "snapshot"];

export function parsePredicate(value: unknown): Predicate {
  const p = fields(value, names, "the act");
  const act: ActName = oneOf(p["act"], actNames, "act");
  const tool = fields(p["tool"], ["name", "sha256", "version"], "tool");
  const actor = fields(p["actor"], ["id", "kind", "proof"], "actor");
  const clock = fields(p["clock"], ["offsetMs", "source", "uncertaintyMs"], "clock");
  const exhibits = parseLinks(p["exhibits"]);
  // In the order of JCS, which spares the printer its sorting.
  const found: Predicate = {
    act,
    actor: {
      id: filled(actor["id"], "actor.id"),
      kind: oneOf(actor["kind"], ["person", "machine"], "actor.kind"),
      proof: oneOf(actor["proof"], ["signed", "oidc", "asserted"], "actor.proof"),
    },
    authority: orNull(p["authority"], "authority", text),
    case: orNull(p["case"], "case", caseId),
    clock: {
      offsetMs: orNull(clock["offsetMs"], "clock.offsetMs", decimal),
      source: filled(clock["source"], "clock.source"),
      uncertaintyMs: orNull(clock["uncertaintyMs"], "clock.uncertaintyMs", decimal),
    },
    collection: orNull(p["collection"], "collection", filled),
    detail: detail(p["detail"]),
    digests: digests(
      p["digests"],
      exhibits.map((e) => e.id),
    ),
    exhibits,
    lease: orNull(p["lease"], "lease", count),
    once: orNull(p["once"], "once", filled),
    reason: orNull(p["reason"], "reason", text),
    requestIds: list(p["requestIds"], "requestIds", text),
    step: orNull(p["step"], "step", filled),
    stored: orNull(p["stored"], "stored", receipt),
    target: orNull(p["target"], "target", filled),
    time: parseTime(p["time"]),
    tool: { name: filled(tool["name"], "tool.name"), sha256: sha256(tool["sha256"], "tool.sha256"), version: filled(tool["version"], "tool.version") },
  };
  if (found.lease !== null && found.collection === null) throw wrong("lease", "is given for an act of no collection");
  if (act === "case-opened") opening(found);
  return found;
}

/** What the opening of a case must say: reader.cases() shows it for ever. */
function opening(p: Predicate): void {
  if (p.case === null) throw wrong("case-opened", "names no case");
  oneOf(p.detail["severity"], severities, "detail.severity");
  oneOf(p.detail["sensitivity"], sensitivities, "detail.sensitivity");
  for (const name of ["title", "jurisdiction", "retention"]) if (Object.hasOwn(p.detail, name)) orNull(p.detail[name], `detail.${name}`, text);
}

export function parseLinks(value: unknown): readonly ExhibitLink[] {
  const links = list(value, "exhibits", link);
  if (new Set(links.map((e) => e.id)).size !== links.length) throw wrong("exhibits", "names one exhibit twice");
  return links;
}

function link(value: unknown, where: string): ExhibitLink {
  const l = fields(value, ["exhibit_prev", "exhibit_seq", "id"], where);
  const id = text(l["id"], `${where}.id`);
  parseExhibitId(id);
  return { exhibit_prev: sha256(l["exhibit_prev"], `${where}.exhibit_prev`), exhibit_seq: count(l["exhibit_seq"], `${where}.exhibit_seq`), id };
}

function digests(value: unknown, ids: readonly string[]): Predicate["digests"] {
  return Object.fromEntries(
    Object.entries(record(value, "digests")).map(([id, item]) => {
      if (!ids.includes(id)) throw wrong(`digests[${JSON.stringify(id)}]`, "is not an exhibit of this act");
      const d = fields(item, ["bytes", "sha256"], `digests[${id}]`);
      return [id, { bytes: digits(d["bytes"], `digests[${id}].bytes`), sha256: sha256(d["sha256"], `digests[${id}].sha256`) }];
    }),
  );
}

function receipt(value: unknown): Receipt {
  const r: Fields = fields(
    value,
    ["bytes", "checksum", "encoding", "legalHold", "lock", "mode", "problems", "requestIds", "retainUntil", "sealed", "text", "uri", "version"],
    "stored",
  );
  const c = fields(r["checksum"], ["algorithm", "partSize", "type", "value"], "stored.checksum");
  return {
    uri: filled(r["uri"], "stored.uri"),
    version: orNull(r["version"], "stored.version", text),
    bytes: digits(r["bytes"], "stored.bytes"),
    encoding: oneOf(r["encoding"], ["identity", "zstd"], "stored.encoding"),
    checksum: {
      algorithm: oneOf(c["algorithm"], ["sha256"], "stored.checksum.algorithm"),
      type: oneOf(c["type"], ["full", "composite"], "stored.checksum.type"),
      value: text(c["value"], "stored.checksum.value"),
      partSize: digits(c["partSize"], "stored.checksum.partSize"),
    },
    lock: oneOf(r["lock"], worths, "stored.lock"),
    mode: orNull(r["mode"], "stored.mode", (mode, where) => oneOf(mode, modes, where)),
    retainUntil: orNull(r["retainUntil"], "stored.retainUntil", text),
    legalHold: orNull(r["legalHold"], "stored.legalHold", flag),
    sealed: flag(r["sealed"], "stored.sealed"),
    text: text(r["text"], "stored.text"),
    problems: list(r["problems"], "stored.problems", text),
    requestIds: list(r["requestIds"], "stored.requestIds", text),
  };
}

function detail(value: unknown): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(record(value, "detail")).map(([name, member]) => [name, json(member, `detail.${name}`)]));
}

function json(value: unknown, where: string): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number") return value;
  if (Array.isArray(value)) return list(value, where, json);
  if (typeof value !== "object") throw wrong(where, `is ${typeof value}, which is not JSON`);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, json(member, where)]));
}

function caseId(value: unknown, where: string): string {
  return parseCaseId(text(value, where));
}

function sha256(value: unknown, where: string): Sha256 {
  const hex = text(value, where);
  if (!/^[0-9a-f]{64}$/.test(hex)) throw wrong(where, "is not a SHA-256 digest in lower-case hex");
  return parseSha256(hex);
}

function decimal(value: unknown, where: string): string {
  const found = text(value, where);
  if (!/^-?\d+(\.\d+)?$/.test(found)) throw wrong(where, "is not a decimal number");
  return found;
}

const seen = { day: "" };

export function parseTime(value: unknown): string {
  const found = text(value, "time");
  // Date.parse also takes February 30 and 24:00, which other verifiers refuse: printed again, only a day that exists is the same.
  const day = found.slice(0, 10);
  const exists = /^(?!0000)\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/.test(found) && (day === seen.day || isDay(day));
  if (!exists) throw wrong("time", "is not RFC 3339 UTC with milliseconds");
  seen.day = day;
  return found;
}

function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00.000Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
