import { act, caseNoun, checkpoint, collection, exhibit, exhibitCheck, ledgerCheck, plan, stored } from "./nouns.ts";
import { custodyDocuments } from "./custody.ts";
import { storeDocuments } from "./stores.ts";
import { base64, choice, digits, documentOf, flag, hex, type JsonSchema, listOf, objectOf, orNull, text, time } from "./words.ts";

const assurance = choice("self", "worm", "witnessed", "timestamped");

/** Every JSON document that this release prints, by name (contract.md). */
export const documents: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  Object.entries<Readonly<Record<string, JsonSchema>>>({
    collect: {
      outcome: choice("collected", "partial", "failed"),
      collections: listOf(collection),
      refused: listOf(objectOf({ target: text, error: text })),
      checkpoint: orNull(checkpoint),
      anchors: listOf(text),
    },
    plan,
    plans: { plans: listOf(objectOf(plan)) },
    verify: {
      verdict: choice("intact", "altered", "missing", "rollback", "fork", "unverifiable"),
      assurance,
      recorded: flag,
      ledger: objectOf(ledgerCheck),
      exhibits: listOf(exhibitCheck),
    },
    audit: { assurance, ...ledgerCheck, receipts: orNull(objectOf({ agree: digits, newest: digits })) },
    status: {
      collections: listOf(
        objectOf({
          collection: text,
          case: text,
          target: text,
          state: choice("running", "paused", "interrupted", "finished", "cancelled", "failed"),
          actor: text,
          started: time,
          steps: listOf(
            objectOf({
              step: text,
              exhibit: orNull(text),
              state: choice("waiting", "running", "done", "failed"),
              bytes: objectOf({ done: digits, total: orNull(digits) }),
            }),
          ),
          leftovers: listOf(objectOf({ exhibit: text, what: text })),
          resume: orNull(text),
        }),
      ),
      anchors: listOf(
        objectOf({
          anchor: text,
          size: orNull(digits),
          time: orNull(time),
          tried: orNull(time),
          trouble: orNull(objectOf({ kind: choice("rollback", "fork", "misconfigured", "broken"), text, since: time })),
        }),
      ),
    },
    anchor: {
      checkpoint: orNull(checkpoint),
      anchors: listOf(
        objectOf({ anchor: text, outcome: choice("anchored", "rollback", "fork", "misconfigured", "broken"), size: orNull(digits), time: orNull(time), text }),
      ),
    },
    exhibits: { exhibits: listOf(exhibit) },
    exhibit: { origin: text, vkeys: listOf(text), exhibit, acts: listOf(objectOf({ seq: digits, leaf: base64, path: listOf(base64) })), checkpoint: text },
    custody: {
      exhibit: text,
      origin: text,
      vkeys: listOf(text),
      acts: listOf(act),
      checkpoint: text,
      proofs: listOf(objectOf({ anchor: text, size: digits, bytes: base64, acts: listOf(objectOf({ seq: digits, path: listOf(base64) })) })),
    },
    cases: { cases: listOf(caseNoun) },
    case: { case: caseNoun, notes: listOf(objectOf({ time, actor: text, text })), exhibits: listOf(exhibit) },
    note: { case: text, act: digits },
    init: { home: text, origin: text, vkeys: listOf(text) },
    doctor: { ok: flag, checks: listOf(objectOf({ check: text, ok: flag, fatal: flag, text })) },
    fetch: { exhibit: text, out: orNull(text), verdict: choice("intact", "altered"), sha256: orNull(hex), bytes: orNull(digits), text: orNull(text) },
    "lock-change": {
      change: choice("held", "retention-extended", "hold-cleared", "retention-cut"),
      exhibits: listOf(objectOf({ exhibit: text, act: digits, stored })),
    },
    detached: { collections: listOf(objectOf({ collection: text, log: text })) },
    cancel: { collection: text, answer: choice("asked", "cancelled") },
    undo: {
      collection: text,
      undone: listOf(objectOf({ step: text, title: text, outcome: choice("done", "already", "denied", "unavailable", "failed"), detail: text })),
    },
    cleanup: { removed: listOf(objectOf({ collection: text, what: text })) },
    checkpoint: { note: text },
    export: { dir: text, checkpoint, from: digits, files: digits, bytes: digits },
    proof: { seq: digits, leafHash: base64, checkpoint, proof: text },
    keys: {
      origin: text,
      keys: listOf(
        objectOf({
          type: choice("ed25519", "ml-dsa-44"),
          id: text,
          fingerprint: text,
          vkey: text,
          kept: text,
          since: objectOf({ size: digits, time: orNull(time) }),
          until: orNull(objectOf({ size: digits, end: choice("rotated", "revoked") })),
        }),
      ),
    },
    "key-rotation": { outcome: choice("waiting", "done"), request: orNull(text), act: orNull(digits), from: orNull(digits), vkeys: listOf(text) },
    "key-backup": { out: text, origin: text, sha256: hex, act: digits },
    restore: { home: text, origin: text, continued: flag, from: checkpoint, gap: text },
    policies: { cloud: choice("aws"), policies: listOf(objectOf({ role: choice("collector", "evidence", "vault", "contain"), document: objectOf({}) })) },
    ...custodyDocuments,
    ...storeDocuments,
    schemas: { names: listOf(text) },
    completion: { shell: choice("bash", "zsh", "fish"), script: text },
  }).map(([name, properties]) => [name, documentOf(name, properties)]),
);
