import { resolve } from "node:path";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { present, sizeText } from "./output.ts";
import type { Session } from "./session.ts";

/** A C2SP tlog-tiles tree that others check without us; a second export into the same folder adds what is new. */
export async function ledgerExport(session: Session, folder: string): Promise<number> {
  const dir = resolve(folder);
  const app = await session.app();
  const report = await app.exporting.ledger(dir, session.signal);
  const { checkpoint, from, files, bytes } = report;
  present(session.output, { schema: "holdfast.export/1", dir, ...report } as { schema: string }, null, () => [
    `${terminalSafe(dir)}  ${checkpoint.origin}  size ${checkpoint.size}  root ${checkpoint.root}`,
    files === "0" ? "nothing was new" : `entries from ${from} on, ${files} files, ${sizeText(Number(bytes))}`,
  ]);
  return 0;
}

/** The `.tlog-proof` on stdout, verbatim. */
export async function ledgerProof(session: Session, text: string): Promise<number> {
  const seq = Number(text);
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(seq))
    throw new HoldfastError("usage", `${JSON.stringify(text)} is not the number of an act; \`holdfast custody\` shows them`);
  const app = await session.app();
  const { leafHash, checkpoint, proof } = app.exporting.proof(seq);
  if (session.output.json || session.output.jsonl)
    present(session.output, { schema: "holdfast.proof/1", seq: text, leafHash, checkpoint, proof } as { schema: string }, null, () => []);
  else session.output.data(proof.replace(/\n$/, "")); // data() ends the line again: the bytes are those of the file format
  return 0;
}
