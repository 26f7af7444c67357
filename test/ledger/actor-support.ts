import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Actor, ActDraft, ActName, Json } from "../../src/core/act.ts";
import { actDraft } from "../../src/core/act-draft.ts";
import type { ActorSigner } from "../../src/core/actor-signer.ts";
import type { Reader } from "../../src/core/recorder.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { sshsigBlob, sshsigData } from "../../src/ledger/actors/ssh-signature.ts";
import { sshString } from "../../src/ledger/actors/ssh-wire.ts";
import { open } from "./support.ts";

export type Person = { readonly actor: Actor; readonly signer: ActorSigner; readonly line: string };

/** An Ed25519 SSH key in memory; what ssh-keygen thinks of such signatures is ssh-signature.test.ts. */
export function person(
  id: string,
  kind: Actor["kind"] = "person",
  pair: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("ed25519"),
): Person {
  const raw = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const blob = Buffer.concat([sshString("ssh-ed25519"), sshString(raw)]);
  const line = `ssh-ed25519 ${blob.toString("base64")}`;
  const signer: ActorSigner = {
    actor: id,
    publicKey: line,
    async sign(message) {
      return sshsigBlob(blob, Buffer.concat([sshString("ssh-ed25519"), sshString(sign(null, sshsigData(message), pair.privateKey))]));
    },
  };
  return { actor: { id, kind, proof: "asserted" }, signer, line };
}

/** The same key under another name, as a second hat. */
export function hat(of: Person, id: string): Person {
  return { ...of, actor: { ...of.actor, id }, signer: { ...of.signer, actor: id } };
}

export type Fields = Partial<Omit<ActDraft, "act" | "actor">>;

/** Opens the ledger as this person, appends, closes. Rejects as append does. */
export async function act(paths: LedgerPaths, who: Person, name: ActName, fields: Fields = {}, now: Date = new Date()): Promise<number> {
  return append(paths, who, [actDraft(name, who.actor, fields)], now);
}

export async function append(paths: LedgerPaths, who: Person, drafts: readonly ActDraft[], now: Date = new Date()): Promise<number> {
  const recorder = await open(paths, { signer: who.signer, clock: () => now });
  try {
    return (await recorder.append(drafts)).at(-1)?.seq ?? -1;
  } finally {
    await recorder.close();
  }
}

export function enrolment(of: Person, request: string | null = null): Fields {
  return { reason: "joins", detail: { asked: { id: of.actor.id, kind: of.actor.kind, key: of.line }, request } };
}

export function read<T>(paths: LedgerPaths, look: (reader: Reader) => T): T {
  const reader = openReader(paths);
  try {
    return look(reader);
  } finally {
    reader.close();
  }
}

/** Asks for an act that needs two persons; the request's number. */
export async function request(
  paths: LedgerPaths,
  who: Person,
  wanted: ActName,
  fields: Fields & { readonly asked?: Json } = {},
  now: Date = new Date(),
): Promise<string> {
  const { asked = {}, ...rest } = fields;
  const seq = await act(paths, who, "requested", { reason: "asked", ...rest, detail: { act: wanted, asked } }, now);
  return String(read(paths, (reader) => reader.act(seq).detail["request"]));
}

/** What an approver signs: the number, and the hash of the request as they saw it. */
export function approval(paths: LedgerPaths, number: string): Fields {
  const hash = read(paths, (reader) => [...reader.acts({})].find((a) => a.act === "requested" && a.detail["request"] === number)?.leafHash ?? "");
  return { detail: { request: number, hash } };
}

/** Enrols the first, and each later one as a newcomer whom the first approves. */
export async function enrolled(paths: LedgerPaths, first: Person, ...others: readonly Person[]): Promise<void> {
  await act(paths, first, "actor-enrolled", enrolment(first));
  for (const other of others) {
    const asked = enrolment(other).detail?.["asked"] ?? null;
    const by = other.actor.kind === "person" ? other : (others[0] ?? first);
    const number = await request(paths, by, "actor-enrolled", { reason: "joins", asked });
    await act(paths, first, "approved", approval(paths, number));
    await act(paths, by, "actor-enrolled", enrolment(other, number));
  }
}
