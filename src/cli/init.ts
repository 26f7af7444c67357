import { parseOrigin } from "../core/config.ts";
import { HoldfastError } from "../core/error.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** Makes the home where there is none, and prints what others need to check its ledger. */
export async function init(session: Session, options: Options): Promise<number> {
  const wanted = optionText(options, "origin");
  if (wanted !== undefined) parseOrigin(wanted, "--origin", "usage");
  const app = await session.app({ kind: "make", origin: wanted ?? null });
  const { origin, paths } = app.services;
  if (wanted !== undefined && wanted !== origin)
    throw new HoldfastError("refused", `this home's ledger is ${origin}; an origin is for ever. For ${wanted} choose another --home`);
  const vkeys = app.services.vkeys;
  present(session.output, { schema: "holdfast.init/1", home: paths.home, origin, vkeys } as { schema: string }, null, () => [
    `home    ${paths.home}`,
    `origin  ${origin}`,
    ...vkeys.map((vkey) => `vkey    ${vkey}`),
  ]);
  session.output.say(
    "Give the verifier keys to someone outside: counsel, an insurer, a notary. Until something outside holds a checkpoint, assurance is self.",
  );
  return 0;
}
