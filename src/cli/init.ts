import type { AnchorsConfig } from "../core/config-anchors.ts";
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
  const anchors = anchorsOf(app.services.config.anchors);
  present(session.output, { schema: "holdfast.init/1", home: paths.home, origin, vkeys, anchors } as { schema: string }, null, () => [
    `home    ${paths.home}`,
    `origin  ${origin}`,
    ...vkeys.map((vkey) => `vkey    ${vkey}`),
    `anchors ${anchors.length === 0 ? "none: assurance is self, and nothing proves this record against whoever holds this machine" : anchors.join(", ")}`,
  ]);
  session.output.say("Give the verifier keys to someone outside: counsel, an insurer, a notary.");
  session.output.say(
    anchors.length === 0 ? offer(paths.config) : "Assurance is self until one of the anchors has answered; `holdfast ledger anchor` asks now.",
  );
  return 0;
}

function anchorsOf({ worm, witnesses, timestamp }: AnchorsConfig): readonly string[] {
  return [...(worm === null ? [] : ["worm"]), ...witnesses.map(({ name }) => `witness:${name}`), ...timestamp.map(({ name }) => `rfc3161:${name}`)];
}

/** contract.md has init ask for an anchor: each is an address and a key that only its operator can give, so the answer goes into the file. */
function offer(config: string): string {
  return `Which of these can you name? Put it into ${config}; until one is there and has answered, assurance is self:
  anchors:
    worm: VAULT                                        # a vault under \`vaults\` with Object Lock, best in an account of its own
    witnesses: [{name: NAME, url: URL, vkey: VKEY}]    # C2SP tlog-witness: catch a rewritten or rolled-back ledger
    timestamp: [{name: NAME, url: URL, ca: FILE.pem}]  # RFC 3161 authorities: prove since when it stands so
Then: holdfast ledger anchor`;
}
