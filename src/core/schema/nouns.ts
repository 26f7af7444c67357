import { outcomes } from "../outcome.ts";
import { base64, choice, count, digits, flag, hex, type JsonSchema, listOf, objectOf, orNull, text, time } from "./words.ts";

const window = objectOf({ since: time, until: time });
const lockWorth = choice("irrevocable", "bypassable", "removable", "none", "unknown");
const lockMode = orNull(choice("compliance", "governance", "locked", "unlocked", "directory", "snapshot"));

export const coverage: JsonSchema = objectOf({
  asked: orNull(window),
  got: orNull(window),
  gaps: listOf(objectOf({ what: text, outcome: choice(...outcomes), reason: text })),
});

export const stored: JsonSchema = objectOf({
  uri: text,
  version: orNull(text),
  bytes: digits,
  encoding: choice("identity", "zstd"),
  checksum: objectOf({ algorithm: { const: "sha256" }, type: choice("full", "composite"), value: base64, partSize: digits }),
  lock: lockWorth,
  mode: lockMode,
  retainUntil: orNull(time),
  legalHold: orNull(flag),
  sealed: flag,
  text,
  problems: listOf(text),
});

export const exhibit: JsonSchema = objectOf({
  id: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}/[0-9]{3,}$" },
  kind: text,
  name: text,
  outcome: choice(...outcomes),
  detail: orNull(text),
  bytes: digits,
  sha256: orNull(hex),
  files: orNull(count),
  transform: listOf(text),
  reproducible: flag,
  coverage: orNull(coverage),
  stored: orNull(stored),
  copies: listOf(stored),
  acts: listOf(digits),
});

const done = choice("done", "already", "denied", "unavailable", "failed");

export const collection: JsonSchema = objectOf({
  collection: text,
  case: text,
  target: text,
  outcome: choice("collected", "partial", "failed"),
  exhibits: listOf(exhibit),
  changes: listOf(objectOf({ step: text, title: text, outcome: orNull(done), detail: orNull(text), undone: orNull(done) })),
  footprint: objectOf({ writtenBytes: digits, tools: listOf(text) }),
  seconds: { type: "number", minimum: 0 },
});

export const checkpoint: JsonSchema = objectOf({ origin: text, size: digits, root: base64 });

export const ledgerCheck: Readonly<Record<string, JsonSchema>> = {
  verdict: choice("intact", "altered", "rollback", "fork", "unverifiable"),
  size: digits,
  root: base64,
  checked: objectOf({ entries: digits, anchors: listOf(text), covers: listOf(objectOf({ anchor: text, size: digits, time })), unreachable: listOf(text) }),
  problems: listOf(objectOf({ kind: text, seq: orNull(digits), text })),
};

export const exhibitCheck: JsonSchema = objectOf({
  id: text,
  verdict: choice("intact", "altered", "missing", "unverifiable", "held-by-provider"),
  method: choice("rehash", "store-sha256", "store-crc", "client-asserted", "provider-lock", "none"),
  recorded: orNull(hex),
  found: orNull(hex),
  lock: orNull(objectOf({ lock: lockWorth, mode: lockMode, retainUntil: orNull(time), legalHold: orNull(flag), asRecorded: flag })),
  text,
});

export const act: JsonSchema = objectOf({
  seq: digits,
  act: text,
  time,
  clock: objectOf({ offsetMs: orNull(text), uncertaintyMs: orNull(text), source: text }),
  actor: objectOf({ id: text, kind: choice("person", "machine"), proof: choice("signed", "oidc", "asserted") }),
  reason: orNull(text),
  authority: orNull(text),
  tool: objectOf({ name: text, version: text, sha256: hex }),
  target: orNull(text),
  digests: { type: "object", additionalProperties: objectOf({ sha256: hex, bytes: digits }) },
  stored: orNull(stored),
  requestIds: listOf(text),
  leafHash: base64,
  anchors: listOf(text),
  leaf: base64,
  path: listOf(base64),
});

export const caseNoun: JsonSchema = objectOf({
  id: text,
  title: orNull(text),
  severity: choice("low", "medium", "high", "critical"),
  sensitivity: choice("public", "internal", "confidential", "restricted"),
  jurisdiction: orNull(text),
  retention: orNull(text),
  opened: time,
  exhibits: count,
});

export const plan: Readonly<Record<string, JsonSchema>> = {
  target: text,
  provider: text,
  path: text,
  window,
  steps: listOf(
    objectOf({
      id: text,
      does: choice("exhibit", "act"),
      kind: text,
      lane: text,
      after: listOf(text),
      undoable: flag,
      title: text,
      rank: { type: "number" },
      calls: listOf(objectOf({ call: text, needs: text, changes: flag })),
      footprint: objectOf({ writtenBytes: count, tools: listOf(text) }),
      estimate: objectOf({ bytes: orNull({ type: "number" }), seconds: orNull({ type: "number" }) }),
      exclusive: flag,
      input: { type: "object" },
    }),
  ),
  without: listOf(objectOf({ kind: text, why: text })),
};
