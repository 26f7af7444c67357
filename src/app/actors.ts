import { readFile } from "node:fs/promises";
import { actDraft } from "../core/act-draft.ts";
import type { Act } from "../core/act.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Reader } from "../core/recorder.ts";
import { onceOf } from "../core/two-persons.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { withSecondPerson } from "../custody/second-person.ts";
import { actorRegistry, type ActorRegistry } from "../ledger/actors/actor-registry.ts";
import { parseSshKey, type SshKey } from "../ledger/actors/ssh-key.ts";
import { sshsigSigner } from "../ledger/actors/ssh-signature.ts";
import type { Why } from "./custodying.ts";
import type { Services } from "./services.ts";

/** Sequence numbers are those of the acts that enrolled and revoked. */
export type EnrolledActor = {
  readonly id: string;
  readonly kind: "person" | "machine";
  readonly key: string;
  readonly fingerprint: string;
  readonly since: number;
  readonly revoked: number | null;
};
export type EnrolWish = { readonly id: string | null; readonly kind: "person" | "machine"; readonly keyFile: string | null };
export type ActorChange =
  | { readonly kind: "waiting"; readonly request: CustodyRequest }
  | { readonly kind: "changed"; readonly act: Act; readonly actor: { readonly id: string; readonly key: string; readonly fingerprint: string } };

/** People's and machines' keys. */
export type Actors = {
  list(): readonly EnrolledActor[];
  /** Without a file: the key of the configuration, for its own id. The first of all needs nobody; every later one a second person. */
  enrol(wish: EnrolWish, why: Why): Promise<ActorChange>;
  /** `fingerprint` may be null where the id has one key that is not revoked. */
  revoke(id: string, fingerprint: string | null, why: Why): Promise<ActorChange>;
  /** Whether acts of the configuration's actor could be recorded now, and what they would be worth. The key signs once for it. */
  check(): Promise<{ readonly ok: boolean; readonly fatal: boolean; readonly text: string }>;
};

export function actors(services: Services): Actors {
  const registry = (reader: Reader): ActorRegistry => {
    const found = actorRegistry();
    for (let act = reader.named(onceOf.actor(0)); act !== null; act = reader.named(onceOf.actor(found.count()))) found.take(act.seq, act);
    return found;
  };
  const change = async (name: "actor-enrolled" | "actor-revoked", asked: { readonly [key: string]: string }, key: SshKey, why: Why): Promise<ActorChange> => {
    const recorder = await services.recorder();
    const reader = services.openReader();
    const actor = { id: asked["id"] ?? "", key: key.line, fingerprint: key.fingerprint };
    try {
      if (name === "actor-enrolled" && registry(reader).count() === 0) {
        if (asked["id"] !== services.actor.id || asked["kind"] !== "person")
          throw new HoldfastError(
            "usage",
            "the first who is enrolled is a person who enrols themselves: give your own actor.id and actor.key in the configuration",
          );
        const [receipt] = await recorder.append([actDraft(name, services.actor, { ...why, detail: { asked, request: null } })]);
        if (receipt === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the enrolment");
        return { kind: "changed", act: reader.act(receipt.seq), actor };
      }
      const asking = { reader, recorder, clock: services.clock, actor: services.actor, ...why };
      const agreement = await withSecondPerson(asking, { act: name, case: null, exhibits: [], asked }, () => false);
      return agreement.kind === "waiting" ? agreement : { kind: "changed", act: agreement.act, actor };
    } finally {
      reader.close();
    }
  };
  return {
    list: () => services.reader((reader) => registry(reader).list()).map((e) => ({ ...e, key: e.key.line, fingerprint: e.key.fingerprint })),
    async enrol(wish, why) {
      const key = wish.keyFile === null ? await ownKey(services) : await keyOfFile(wish.keyFile);
      const id = wish.id ?? services.actor.id;
      if (wish.keyFile === null && id !== services.actor.id)
        throw new HoldfastError("usage", `the key of the configuration is that of ${services.actor.id}; name ${id}'s public key with --key`);
      return change("actor-enrolled", { id, kind: wish.kind, key: key.line }, key, why);
    },
    async revoke(id, fingerprint, why) {
      const keys = services.reader((reader) => registry(reader).list()).filter((e) => e.id === id && e.revoked === null);
      const [found, more] = fingerprint === null ? keys : keys.filter((e) => e.key.fingerprint === fingerprint);
      if (found === undefined)
        throw new HoldfastError("usage", `${id} has no ${fingerprint ?? "key"} that could be revoked; \`holdfast actor list\` shows all`);
      if (more !== undefined) throw new HoldfastError("usage", `${id} has ${keys.length} keys; name the one with --key ${found.key.fingerprint}`);
      return change("actor-revoked", { id, key: found.key.line }, found.key, why);
    },
    async check() {
      const { id } = services.actor;
      const signer = await services.signer();
      const found = services.reader(registry);
      const key = signer === null ? null : parseSshKey(signer.publicKey, "actor.key");
      const enrolled = key === null ? null : found.ofKey(key.fingerprint);
      if (signer === null || key === null)
        return found.firstOf(id) === null
          ? {
              ok: false,
              fatal: false,
              text: `acts of ${id} are asserted: nobody but this machine says that they are theirs; name a key in the configuration and enrol it`,
            }
          : { ok: false, fatal: true, text: `${id} is enrolled, and no key is configured: every act of theirs is refused; add actor.key to the configuration` };
      if (enrolled === null)
        return {
          ok: false,
          fatal: found.firstOf(id) !== null,
          text: `${key.fingerprint} of ${id} is not enrolled; run \`holdfast actor enrol --reason TEXT\``,
        };
      if (enrolled.id !== id || enrolled.revoked !== null)
        return {
          ok: false,
          fatal: true,
          text: `${key.fingerprint} ${enrolled.id === id ? "was revoked" : `is that of ${enrolled.id}`}: no act of ${id} is taken with it`,
        };
      sshsigSigner(await signer.sign(PROBE), PROBE);
      return { ok: true, fatal: true, text: `${id} signs with ${key.fingerprint}, enrolled by act ${enrolled.since}` };
    },
  };
}

/** No DSSE encoding begins so: a signature over it can never be one over an act. */
const PROBE = Buffer.from("holdfast doctor");

async function ownKey(services: Services): Promise<SshKey> {
  const signer = await services.signer();
  if (signer === null)
    throw new HoldfastError(
      "config",
      "actor.key: the configuration names no key; add actor: {id: you@example.org, key: ~/.ssh/id_ed25519.pub}, or name a public key with --key",
    );
  return parseSshKey(signer.publicKey, "actor.key");
}

async function keyOfFile(file: string): Promise<SshKey> {
  try {
    return parseSshKey(await readFile(file, "utf8"), `--key ${file}`);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("usage", `--key ${file} cannot be read (${systemCode(error) ?? "?"}); name the .pub file of an SSH key`, error);
  }
}
