import { hash } from "node:crypto";
import canonicalize from "canonicalize";
import { parseSha256, type Sha256 } from "../../src/core/digest.ts";
import { encodeLeaf } from "../../src/ledger/format/leaf.ts";
import type { Predicate } from "../../src/ledger/format/predicate.ts";
import { actor, ORIGIN } from "./support.ts";

export const digest: Sha256 = parseSha256(hash("sha256", "evidence"));
export const base: Predicate = {
  act: "note",
  actor,
  authority: null,
  case: "A-1",
  clock: { offsetMs: "0.5", source: "ntp.example", uncertaintyMs: null },
  collection: null,
  detail: {},
  digests: {},
  exhibits: [],
  lease: null,
  once: null,
  reason: "because",
  requestIds: [],
  step: null,
  stored: null,
  target: null,
  time: "2026-01-31T22:00:00.000Z",
  tool: { name: "holdfast", version: "1.0.0", sha256: digest },
};
export const collected: Predicate = {
  ...base,
  act: "collected",
  exhibits: [
    { id: "A-1/001", exhibit_seq: 1, exhibit_prev: digest },
    { id: "A-1/002", exhibit_seq: 0, exhibit_prev: parseSha256("0".repeat(64)) },
  ],
  digests: { "A-1/001": { sha256: digest, bytes: "8" } },
};
export const nonce: Buffer = Buffer.alloc(16, 7);
export const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");

export type Envelope = { nonce: string; payload: string; payloadType: string; signatures: unknown[]; v: string };
export function open(leaf: Buffer): { envelope: Envelope; statement: { subject: unknown[]; predicateType: string; predicate: Record<string, unknown> } } {
  const envelope: Envelope = JSON.parse(leaf.toString("utf8"));
  return { envelope, statement: JSON.parse(Buffer.from(envelope.payload, "base64").toString("utf8")) };
}

/** Writes a leaf from changed parts as an independent writer would: canonicalize at both layers. */
export function rewritten(change: (statement: Record<string, unknown>, envelope: Record<string, unknown>) => void): Buffer {
  const { envelope, statement } = open(encodeLeaf(ORIGIN, collected, nonce).bytes);
  const env: Record<string, unknown> = { ...envelope };
  change(statement, env);
  if (env["payload"] === envelope.payload) env["payload"] = utf8(canonicalize(statement) ?? "").toString("base64");
  return utf8(canonicalize(env) ?? "");
}
