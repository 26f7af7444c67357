import { resolve } from "node:path";
import type { CustodyReceipt } from "../app/custody-receipt.ts";
import type { Act } from "../core/act.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { recordLines } from "./custody-record.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** The custody record of one exhibit: every act about it, in order, and what a stranger needs to check them. With `out` as files too. */
export async function custody(session: Session, exhibit: string, out: string | null): Promise<number> {
  const app = await session.app();
  const acts = app.services.reader((reader) => [...reader.acts({ exhibit })]);
  if (acts.length === 0) throw new HoldfastError("usage", `there is no exhibit ${exhibit}; \`holdfast exhibits\` lists them`);
  const receipt = app.exporting.receipt(
    acts.map(({ seq }) => seq),
    exhibit,
  );
  const kept = new Map([...app.services.anchors.kept(), ["worm", app.services.mirror.covered()]]);
  const document = custodyDocument(exhibit, acts, receipt, kept);
  const lines = recordLines(exhibit, acts, receipt, app.services.config.anchors.worm);
  if (out !== null) {
    const dir = resolve(out);
    const record = [
      ["record.txt", `${lines.join("\n")}\n`],
      ["custody.json", `${JSON.stringify(document, null, 1)}\n`],
    ] as const;
    await receipt.write(record, dir);
    session.output.say(terminalSafe(`The record and its receipt are in ${dir}; how to check them without us is in FORMAT.md §17.`));
  }
  present(session.output, document, document.acts, () => lines);
  return 0;
}

type CustodyDocument = { readonly schema: "holdfast.custody/1"; readonly acts: readonly object[] };

function custodyDocument(exhibit: string, acts: readonly Act[], receipt: CustodyReceipt, kept: ReadonlyMap<string, number>): CustodyDocument {
  const { origin, vkeys, checkpoint, proofs } = receipt;
  const list = acts.map((act, i) => {
    const anchors = [...kept].filter(([, size]) => size > act.seq).map(([name]) => name);
    return { ...actDocument(act, exhibit), anchors, leaf: receipt.acts[i]?.leaf, path: receipt.acts[i]?.path };
  });
  return { schema: "holdfast.custody/1", ...{ exhibit, origin, vkeys, checkpoint, proofs }, acts: list };
}

function actDocument(act: Act, exhibit: string): object {
  return {
    seq: String(act.seq),
    act: act.act,
    time: act.time,
    clock: act.clock,
    actor: act.actor,
    reason: act.reason,
    authority: act.authority,
    tool: act.tool,
    target: act.target,
    case: act.case,
    collection: act.collection,
    digests: act.digests,
    stored: act.stored,
    requestIds: act.requestIds,
    detail: act.detail,
    chain: act.exhibits.find((e) => e.id === exhibit) ?? null,
    leafHash: Buffer.from(act.leafHash, "hex").toString("base64"),
  };
}
