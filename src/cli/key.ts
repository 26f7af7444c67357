import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { type Options, optionText } from "./options.ts";
import { present, table } from "./output.ts";
import { passphraseFrom } from "./passphrase.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

export async function keyShow(session: Session): Promise<number> {
  const app = await session.app();
  const { origin } = app.services;
  const keys = app.keying.show();
  present(session.output, { schema: "holdfast.keys/1", origin, keys } as { schema: string }, keys, () => [
    `origin  ${terminalSafe(origin)}`,
    ...table(
      keys.map((key) => [key.type, key.id, key.fingerprint, key.kept, `since size ${key.since.size}${key.since.time === null ? "" : `, ${key.since.time}`}`]),
    ),
    ...keys.map((key) => terminalSafe(`vkey    ${key.vkey}`)),
  ]);
  return 0;
}

export async function keyBackup(session: Session, options: Options): Promise<number> {
  const out = optionText(options, "out");
  if (out === undefined) throw new HoldfastError("usage", "--out is missing; name a new file");
  const why = await whyFrom(session, options);
  const app = await session.app();
  const passphrase = await passphraseFrom(session, options, true);
  const { sha256, act } = await app.keying.backup(out, passphrase, why);
  present(
    session.output,
    { schema: "holdfast.key-backup/1", out, origin: app.services.origin, sha256, act: String(act.seq) } as { schema: string },
    null,
    () => [terminalSafe(`${out}  sha256 ${sha256}  act ${act.seq}`)],
  );
  session.output.say(
    "Keep it and its passphrase apart, and both away from this machine: together they sign as this ledger. Without them a lost home comes back under a new origin only.",
  );
  return 0;
}
