import type { App } from "../app.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { type Options, optionList, optionText } from "./options.ts";
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
      keys.map((key) => [
        key.type,
        key.id,
        key.fingerprint,
        key.kept,
        `${key.until === null ? "" : `${key.until.end} before size ${key.until.size}, `}since size ${key.since.size}${key.since.time === null ? "" : `, ${key.since.time}`}`,
      ]),
    ),
    ...keys.map((key) => terminalSafe(`vkey    ${key.vkey}`)),
  ]);
  return 0;
}

export async function keyRotate(session: Session, options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  return printRotation(session, await app.keying.rotate(why, optionList(options, "kms")));
}

export async function keyRevoke(session: Session, options: Options): Promise<number> {
  const why = await whyFrom(session, options);
  const app = await session.app();
  const code = printRotation(session, await app.keying.revoke(why, optionList(options, "kms")));
  session.output.say(
    "Say outside since which size the old keys count for nothing: whoever has them can still sign other histories of smaller sizes, which only anchors of that time refute.",
  );
  return code;
}

/** 6 while the second person has not spoken. */
function printRotation(session: Session, rotation: Awaited<ReturnType<App["keying"]["rotate"]>>): number {
  const done = rotation.kind === "done" ? rotation : null;
  const request = rotation.kind === "waiting" ? rotation.request.request : null;
  const document = {
    schema: "holdfast.key-rotation/1",
    outcome: rotation.kind,
    request,
    act: done?.act ?? null,
    from: done?.from ?? null,
    vkeys: done?.vkeys ?? [],
  };
  present(session.output, document, null, () =>
    done === null
      ? [`request ${request}: a second person has to approve it (holdfast approve ${request}); then run the same command again`]
      : [`act ${done.act}; the new keys sign from size ${done.from} on`, ...done.vkeys.map((vkey) => terminalSafe(`vkey    ${vkey}`))],
  );
  if (done === null) return 6;
  session.output.say(
    "Give the new verifier keys to those who held the old ones, witnesses too, and make a new key backup: the old one restores nothing any more.",
  );
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
