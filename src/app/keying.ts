import { hash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { actDraft } from "../core/act-draft.ts";
import type { ActDraft, ActReceipt } from "../core/act.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import { withSecondPerson } from "../custody/second-person.ts";
import { sealKeys } from "../ledger/keys/key-backup.ts";
import { formatVkey, type KeyType, type Vkey } from "../ledger/keys/log-key.ts";
import { keptIn, keyFiles, readVkeys } from "../ledger/keys/log-keys.ts";
import { arePrepared, nextKeys, takeNextKeys } from "../ledger/keys/rotate-keys.ts";
import { currentFrom, currentKeys } from "../ledger/keys/vkey-list.ts";
import type { Why } from "./custodying.ts";
import type { Services } from "./services.ts";

export type ShownKey = {
  readonly type: KeyType;
  /** Hex, as in each signature line. */
  readonly id: string;
  /** `SHA256:` and base64 without padding of the digest of the raw public key. */
  readonly fingerprint: string;
  readonly vkey: string;
  readonly kept: string;
  /** The size of the first head that it signed, and when; the time is null where the first act is not there yet. */
  readonly since: { readonly size: string; readonly time: string | null };
  /** Null while it signs; else the size of the first head that it no longer signed. */
  readonly until: { readonly size: string; readonly end: "rotated" | "revoked" } | null;
};

/** `from`: the size of the first head that the new keys sign. */
export type Rotation =
  | { readonly kind: "waiting"; readonly request: CustodyRequest }
  | { readonly kind: "done"; readonly act: string; readonly from: string; readonly vkeys: readonly string[] };

/** What people do to the ledger's own keys. */
export type Keying = {
  show(): readonly ShownKey[];
  /** Asks for new keys, or takes them into use once a second person has agreed. Repeating the same wish goes on where it stopped. */
  rotate(why: Why, kms: readonly string[]): Promise<Rotation>;
  /** New keys at once, by one person, because the old ones may be in other hands. */
  revoke(why: Why, kms: readonly string[]): Promise<Extract<Rotation, { readonly kind: "done" }>>;
  /** Writes a new file of mode 0600, and records that it was written, by whom and with which digest. */
  backup(out: string, passphrase: string, why: Why): Promise<{ readonly sha256: string; readonly act: ActReceipt }>;
};

export function keying(services: Services): Keying {
  const paths = services.paths.ledger;
  const { keys: dir } = paths;
  const take = async (seq: number, keys: readonly string[], end: "rotated" | "revoked"): Promise<Extract<Rotation, { readonly kind: "done" }>> => {
    const { vkeys } = await takeNextKeys(paths, keys, end);
    return { kind: "done", act: String(seq), from: String(currentFrom(vkeys)), vkeys: keys };
  };
  return {
    show: () => services.reader((reader) => readVkeys(dir).vkeys.map((vkey) => shown(dir, vkey, (size) => timeOf(reader, size)))),
    async rotate(why, kms) {
      const recorder = await services.recorder();
      const { keys, succession } = await nextKeys(paths, kms, services.random);
      const reader = services.openReader();
      try {
        const asking = { reader, recorder: withDetail(recorder, { succession }), clock: services.clock, actor: services.actor, ...why };
        const wish = { act: "key-rotated", case: null, exhibits: [], asked: { keys } } as const;
        const agreement = await withSecondPerson(asking, wish, () => arePrepared(paths, keys));
        return agreement.kind === "waiting" ? agreement : await take(agreement.act.seq, keys, "rotated");
      } finally {
        reader.close();
      }
    },
    async revoke(why, kms) {
      const recorder = await services.recorder();
      const { keys, succession } = await nextKeys(paths, kms, services.random);
      const [act] = await recorder.append([
        actDraft("key-revoked", services.actor, { ...why, once: `keys/${hash("sha256", keys.join("\n"), "hex")}`, detail: { asked: { keys }, succession } }),
      ]);
      if (act === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the revocation of its keys");
      return take(act.seq, keys, "revoked");
    },
    async backup(out, passphrase, why) {
      const recorder = await services.recorder(); // before the file: a ledger that is not whole gives no copy of its keys
      const text = await sealKeys(services.origin, keyFiles(dir), passphrase, services.clock().toISOString(), services.random);
      await writeNew(out, text);
      const sha256 = hash("sha256", text, "hex");
      const ids = currentKeys(readVkeys(dir).vkeys).map(({ keyId }) => keyId.toString("hex"));
      const [act] = await recorder.append([
        actDraft("key-backed-up", services.actor, { ...why, detail: { keys: ids, sha256, text: "the private keys, under a passphrase" } }),
      ]);
      if (act === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the backup of its keys");
      return { sha256, act };
    },
  };
}

function shown(dir: string, vkey: Vkey, timeOf: (size: number) => string | null): ShownKey {
  const { from, until, end } = vkey.signs ?? { from: 0, until: null, end: null };
  return {
    type: vkey.type,
    id: vkey.keyId.toString("hex"),
    fingerprint: `SHA256:${hash("sha256", vkey.pub, "base64").replace(/=+$/, "")}`,
    vkey: formatVkey(vkey),
    kept: end === null ? keptIn(dir, vkey) : "gone",
    since: { size: String(from), time: timeOf(from) },
    until: until === null ? null : { size: String(until), end: end ?? "rotated" },
  };
}

/** When the act that the head of this size covers last was recorded. */
function timeOf(reader: Reader, size: number): string | null {
  return reader.size() === 0 || size > reader.size() ? null : reader.act(Math.max(0, size - 1)).time;
}

/** The old keys' word stands in the act itself and not in what was asked: it is made anew each time. */
function withDetail(recorder: Recorder, more: ActDraft["detail"]): Recorder {
  return {
    append: (drafts) => recorder.append(drafts.map((draft) => (draft.act === "key-rotated" ? { ...draft, detail: { ...draft.detail, ...more } } : draft))),
    close: () => recorder.close(),
  };
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await using file = await open(path, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    if (systemCode(error) !== "EEXIST") await rm(path, { force: true });
    throw new HoldfastError(
      "usage",
      `--out: ${printable(path)} cannot be written as a new file (${systemCode(error) ?? "?"}); name one that is not there`,
      error,
    );
  }
}
