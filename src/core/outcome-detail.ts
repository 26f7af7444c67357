import type { Act, Json } from "./act.ts";
import { HoldfastError } from "./error.ts";
import type { Held } from "./held.ts";
import type { LockMode, Retention } from "./lock.ts";
import { type Coverage, type Gap, outcomes } from "./outcome.ts";
import type { Stored } from "./vault.ts";
import type { Window } from "./window.ts";

/** What an outcome act says of its exhibit, in `detail` (FORMAT.md, outcome acts). */
export type OutcomeDetail = {
  readonly kind: string;
  readonly name: string;
  readonly mediaType: string;
  readonly text: string | null;
  readonly files: number | null;
  readonly transform: readonly string[];
  readonly reproducible: boolean;
  readonly coverage: Coverage | null;
  /** What the vault was asked and given: enough to read the object again and to compare its lock with what was promised. */
  readonly put: (Stored & { readonly encoding: "identity" | "zstd" }) | null;
  /** What its provider keeps in place instead, under which promise. Never beside `put`; absent in records of before this field. */
  readonly held: Held | null;
};

/** A leaf holds at most 64 KiB; the full list of gaps is in the exhibit's own manifest. Bytes of JSON. */
const gapBudget = 12_000;

export function outcomeDetailToJson(detail: OutcomeDetail): { readonly [key: string]: Json } {
  const put = detail.put === null ? null : { ...detail.put, bytes: String(detail.put.bytes) };
  const held = detail.held === null ? undefined : { ...detail.held, bytes: String(detail.held.bytes) };
  return JSON.parse(
    JSON.stringify({
      ...detail,
      name: shorten(detail.name, 1000),
      text: detail.text === null ? null : shorten(detail.text, 4000),
      coverage: limitCoverage(detail.coverage, detail.files !== null),
      put,
      held,
    }),
  );
}

function limitCoverage(coverage: Coverage | null, hasManifest: boolean): Coverage | null {
  if (coverage === null) return null;
  const gaps: Gap[] = [];
  let used = 0;
  for (const gap of coverage.gaps) {
    const short = { ...gap, what: shorten(gap.what, 512), reason: shorten(gap.reason, 256) };
    used += Buffer.byteLength(JSON.stringify(short));
    if (used > gapBudget) {
      const rest = coverage.gaps.length - gaps.length;
      gaps.push({
        what: `${rest} more`,
        outcome: gap.outcome,
        reason: hasManifest ? "named one by one in the exhibit's manifest" : "the list is longer than an act holds; only its beginning is named",
      });
      break;
    }
    gaps.push(short);
  }
  return { ...coverage, gaps };
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** The outcome detail of an act. A ledger may have been tampered with: whatever is not as FORMAT.md says throws `unverifiable`. */
export function parseOutcomeDetail(act: Act): OutcomeDetail {
  const bad = (field: string): HoldfastError =>
    new HoldfastError("unverifiable", `act ${act.seq}: detail.${field} is not what an outcome act holds; audit the ledger`);
  const text = (map: JsonMap, field: string): string => {
    const value = map[field];
    if (typeof value !== "string") throw bad(field);
    return value;
  };
  const optional = (map: JsonMap, field: string): string | null => (map[field] === null ? null : text(map, field));
  const map = (value: Json | undefined, field: string): JsonMap => {
    if (!isMap(value)) throw bad(field);
    return value;
  };
  const list = (value: Json | undefined, field: string): readonly Json[] => {
    if (!isList(value)) throw bad(field);
    return value;
  };
  const window = (value: Json | undefined): Window | null => {
    if (value === null) return null;
    const w = map(value, "coverage");
    return { since: text(w, "since"), until: text(w, "until") };
  };
  const coverage = (value: Json | undefined): Coverage | null => {
    if (value === null) return null;
    const c = map(value, "coverage");
    const gaps = list(c["gaps"], "coverage.gaps").map((item): Gap => {
      const g = map(item, "coverage.gaps");
      const outcome = outcomes.find((o) => o === g["outcome"]);
      if (outcome === undefined || outcome === "collected" || outcome === "empty") throw bad("coverage.gaps.outcome");
      return { what: text(g, "what"), outcome, reason: text(g, "reason") };
    });
    return { asked: window(c["asked"]), got: window(c["got"]), gaps };
  };
  const size = (of: JsonMap, field: string): number => {
    const bytes = Number(text(of, "bytes"));
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw bad(field);
    return bytes;
  };
  const asked = (value: Json | undefined, field: string): Retention => {
    const a = map(value, field);
    return { mode: parseMode(text(a, "mode")) ?? fail(bad(`${field}.mode`)), retainUntil: text(a, "retainUntil"), legalHold: a["legalHold"] === true };
  };
  const held = (value: Json | undefined): Held | null => {
    if (value === undefined || value === null) return null;
    const h = map(value, "held");
    return {
      provider: text(h, "provider"),
      uri: text(h, "uri"),
      bytes: size(h, "held.bytes"),
      asked: asked(h["asked"], "held.asked"),
      reference: h["reference"] ?? null,
    };
  };
  const put = (value: Json | undefined): OutcomeDetail["put"] => {
    if (value === null) return null;
    const p = map(value, "put");
    const sum = map(p["checksum"], "put.checksum");
    return {
      vault: text(p, "vault"),
      uri: text(p, "uri"),
      key: text(p, "key"),
      version: optional(p, "version"),
      bytes: size(p, "put.bytes"),
      encoding: text(p, "encoding") === "zstd" ? "zstd" : "identity",
      checksum: {
        algorithm: "sha256",
        type: text(sum, "type") === "composite" ? "composite" : "full",
        value: text(sum, "value"),
        partSize: text(sum, "partSize"),
      },
      asked: asked(p["asked"], "put.asked"),
      requestIds: list(p["requestIds"], "put.requestIds").filter((id) => typeof id === "string"),
      ...(p["proof"] === "reread" ? { proof: "reread" as const } : {}),
    };
  };
  const d = act.detail;
  return {
    kind: text(d, "kind"),
    name: text(d, "name"),
    mediaType: text(d, "mediaType"),
    text: optional(d, "text"),
    files: typeof d["files"] === "number" ? d["files"] : null,
    transform: list(d["transform"], "transform").filter((t) => typeof t === "string"),
    reproducible: d["reproducible"] === true,
    coverage: coverage(d["coverage"]),
    put: put(d["put"]),
    held: held(d["held"]),
  };
}

type JsonMap = { readonly [key: string]: Json };

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !isList(value);
}

function parseMode(text: string): LockMode | null {
  const modes: readonly LockMode[] = ["compliance", "governance", "locked", "unlocked", "directory", "snapshot"];
  return modes.find((mode) => mode === text) ?? null;
}

function fail(error: HoldfastError): never {
  throw error;
}
