import { resolve } from "node:path";
import { terminalSafe } from "../core/printable.ts";
import { required } from "./ask.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";
import { whyFrom } from "./why.ts";

export async function fetch(session: Session, exhibit: string, options: Options): Promise<number> {
  const out = resolve(await required(session, optionText(options, "out"), "--out", "into which new file?"));
  const why = await whyFrom(session, options);
  const app = await session.app();
  const fetched = await app.custodying.fetch(exhibit, out, why, session.signal);
  const document = {
    schema: "holdfast.fetch/1",
    exhibit,
    out: fetched.kind === "restored" ? out : null,
    verdict: fetched.kind === "restored" ? "intact" : "altered",
    sha256: fetched.kind === "restored" ? fetched.digest.sha256 : null,
    bytes: fetched.kind === "restored" ? String(fetched.digest.bytes) : null,
    text: fetched.kind === "restored" ? null : fetched.text,
  };
  present(session.output, document, null, () => [
    terminalSafe(
      fetched.kind === "restored"
        ? `${exhibit}  ${out}  sha256 ${fetched.digest.sha256} ${fetched.digest.bytes} bytes, as recorded`
        : `${exhibit}  altered: ${fetched.text}; no file was left`,
    ),
  ]);
  return fetched.kind === "restored" ? 0 : 5;
}
