import type { Predicate } from "../format/predicate.ts";
import { parseSshKey, type SshKey } from "./ssh-key.ts";
import { fields, filled, oneOf, text, wrong } from "../format/shape.ts";

export type Enrolment = {
  readonly id: string;
  readonly kind: "person" | "machine";
  readonly key: SshKey;
  /** The entry that enrolled it, and the one that revoked it. */
  readonly since: number;
  readonly revoked: number | null;
};

/** Who has which key, as the acts `actor-enrolled` and `actor-revoked` say, in order of the log. */
export type ActorRegistry = {
  /** How many acts it was built from: the next one is named `actors/COUNT`. */
  count(): number;
  /** By fingerprint, revoked ones too: a key is one person's for ever. */
  ofKey(fingerprint: string): Enrolment | null;
  /** Where this id was first enrolled; null if never. From there on no act of it is unsigned, whatever was revoked since. */
  firstOf(id: string): number | null;
  /** Whether this request has been carried out by one of these acts. */
  hasDone(request: string): boolean;
  take(seq: number, act: Pick<Predicate, "act" | "detail">): void;
  list(): readonly Enrolment[];
};

export function actorRegistry(): ActorRegistry {
  const keys = new Map<string, Enrolment>();
  const first = new Map<string, number>();
  const done = new Set<string>();
  let count = 0;
  return {
    count: () => count,
    ofKey: (fingerprint) => keys.get(fingerprint) ?? null,
    firstOf: (id) => first.get(id) ?? null,
    hasDone: (request) => done.has(request),
    take(seq, act) {
      count += 1;
      const request = act.detail["request"];
      if (typeof request === "string") done.add(request);
      if (act.act === "actor-enrolled") {
        const asked = parseEnrolled(act.detail["asked"]);
        keys.set(asked.key.fingerprint, { ...asked, since: seq, revoked: null });
        if (!first.has(asked.id)) first.set(asked.id, seq);
      } else {
        const { key } = parseRevoked(act.detail["asked"]);
        const enrolled = keys.get(key.fingerprint);
        if (enrolled !== undefined) keys.set(key.fingerprint, { ...enrolled, revoked: seq });
      }
    },
    list: () => [...keys.values()],
  };
}

/** `detail.asked` of an enrolment. Throws `usage` naming what is wrong. */
export function parseEnrolled(asked: unknown): Pick<Enrolment, "id" | "kind" | "key"> {
  const f = fields(asked, ["id", "key", "kind"], "detail.asked");
  return { id: filled(f["id"], "detail.asked.id"), kind: oneOf(f["kind"], ["person", "machine"], "detail.asked.kind"), key: keyOf(f["key"]) };
}

/** `detail.asked` of a revocation. */
export function parseRevoked(asked: unknown): Pick<Enrolment, "id" | "key"> {
  const f = fields(asked, ["id", "key"], "detail.asked");
  return { id: filled(f["id"], "detail.asked.id"), key: keyOf(f["key"]) };
}

function keyOf(value: unknown): SshKey {
  const line = text(value, "detail.asked.key");
  const key = parseSshKey(line, "detail.asked.key");
  if (key.line !== line) throw wrong("detail.asked.key", "is more than type and base64, with one space between");
  return key;
}
