import { hash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { actDraft } from "../core/act-draft.ts";
import type { ActReceipt } from "../core/act.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import { sealKeys } from "../ledger/key-backup.ts";
import { formatVkey, type KeyType, type Vkey } from "../ledger/log-key.ts";
import { keyFiles, readVkeys } from "../ledger/log-keys.ts";
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
};

/** What people do to the ledger's own keys. */
export type Keying = {
  show(): readonly ShownKey[];
  /** Writes a new file of mode 0600, and records that it was written, by whom and with which digest. */
  backup(out: string, passphrase: string, why: Why): Promise<{ readonly sha256: string; readonly act: ActReceipt }>;
};

export function keying(services: Services): Keying {
  const { keys: dir } = services.paths.ledger;
  return {
    show() {
      const first = services.reader((reader) => (reader.size() === 0 ? null : reader.act(0).time));
      return readVkeys(dir).vkeys.map((vkey) => shown(vkey, { size: "0", time: first }));
    },
    async backup(out, passphrase, why) {
      const recorder = await services.recorder(); // before the file: a ledger that is not whole gives no copy of its keys
      const text = await sealKeys(services.origin, keyFiles(dir), passphrase, services.clock().toISOString(), services.random);
      await writeNew(out, text);
      const sha256 = hash("sha256", text, "hex");
      const ids = readVkeys(dir).vkeys.map(({ keyId }) => keyId.toString("hex"));
      const [act] = await recorder.append([
        actDraft("key-backed-up", services.actor, { ...why, detail: { keys: ids, sha256, text: "the private keys, under a passphrase" } }),
      ]);
      if (act === undefined) throw new HoldfastError("unexpected", "the ledger gave no receipt for the backup of its keys");
      return { sha256, act };
    },
  };
}

function shown(vkey: Vkey, since: ShownKey["since"]): ShownKey {
  return {
    type: vkey.type,
    id: vkey.keyId.toString("hex"),
    fingerprint: `SHA256:${hash("sha256", vkey.pub, "base64").replace(/=+$/, "")}`,
    vkey: formatVkey(vkey),
    kept: "file",
    since,
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
