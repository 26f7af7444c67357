import { base64, choice, digits, flag, hex, type JsonSchema, listOf, objectOf, orNull, text, time } from "./words.ts";
import { twoPersonActs } from "../two-persons.ts";

const request: Readonly<Record<string, JsonSchema>> = {
  request: digits,
  act: choice(...twoPersonActs),
  asked: { type: ["object", "null"] },
  case: orNull(text),
  exhibits: listOf(text),
  actor: text,
  reason: orNull(text),
  authority: orNull(text),
  time,
  expires: time,
  hash: hex,
  state: choice("waiting", "approved", "done", "expired"),
  approvedBy: orNull(text),
  seq: digits,
  done: orNull(digits),
};

/** Documents of custody acts, requests and actors. */
export const custodyDocuments: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>> = {
  request,
  requests: { requests: listOf(objectOf(request)) },
  approval: { request: objectOf(request) },
  "custody-act": {
    change: choice("released", "transferred", "acknowledged", "corrected"),
    act: digits,
    leafHash: base64,
    case: orNull(text),
    exhibits: listOf(text),
  },
  disposal: { exhibits: listOf(objectOf({ exhibit: text, act: digits, gone: flag, text })) },
  actors: {
    actors: listOf(objectOf({ id: text, kind: choice("person", "machine"), key: text, fingerprint: text, since: digits, revoked: orNull(digits) })),
  },
  signature: { act: digits, actor: text, keyid: text, files: listOf(text), verify: text },
  "actor-change": { change: choice("enrolled", "revoked"), id: text, key: text, fingerprint: text, act: digits },
};
