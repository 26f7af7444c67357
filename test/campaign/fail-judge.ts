import { describeError } from "../../src/core/error.ts";
import type { Vkey } from "../../src/ledger/keys/log-key.ts";
import { auditMirror } from "../../src/ledger/mirror/mirror-audit.ts";
import { mirrorFolder, sizeOfName } from "../../src/ledger/mirror/mirror-names.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { startWitness, type WitnessFake } from "../clouds/witness-fake.ts";
import { forever, ORIGIN } from "../ledger/support.ts";
import { cosignHead, mirrorHead, mirrorOf, type Outside } from "./fail-outside.ts";

export type Started = Outside & { readonly witness: WitnessFake; readonly args: readonly string[]; [Symbol.asyncDispose](): Promise<void> };

export async function startOutside(mirror: string, vkeys: readonly Vkey[]): Promise<Started> {
  const witness = await startWitness("witness.example/w1", ORIGIN, vkeys);
  const { url, vkey } = witness;
  return { url, vkey, mirror, witness, args: [url, vkey, mirror], [Symbol.asyncDispose]: () => witness.stop() };
}

/** A head whose commit or swap failed was never durable here: nobody outside may have seen it. `size` is the largest that has a receipt. */
export async function aheadOf(size: number, { witness, ...outside }: Started): Promise<readonly string[]> {
  const wrong: string[] = [];
  if (witness.seen.size > size) wrong.push(`the witness has seen ${witness.seen.size} entries, and the largest head of a receipt has ${size}`);
  const folder = mirrorFolder(ORIGIN);
  for await (const { key } of mirrorOf(outside).list(folder, null, forever)) {
    const mirrored = sizeOfName(key.slice(folder.length)) ?? 0;
    if (mirrored > size) wrong.push(`the mirror has a checkpoint of ${mirrored} entries, and the largest head of a receipt has ${size}`);
  }
  return wrong;
}

/** Healed and started again, witness and mirror vouch for the head, whatever they had and had not got before. */
export async function judgeOutside(paths: LedgerPaths, outside: Started): Promise<readonly string[]> {
  const wrong: string[] = [];
  try {
    const text = await cosignHead(paths, outside);
    if (text !== null) wrong.push(`healed, the witness says ${text}`);
    await mirrorHead(paths, outside);
    const audit = await auditMirror(paths, mirrorOf(outside), forever);
    if (audit.kind !== "checked" || audit.problems.length > 0)
      wrong.push(`healed, the mirror is ${audit.kind === "checked" ? audit.problems.map(({ text: said }) => said).join("; ") : audit.text}`);
  } catch (error) {
    wrong.push(`healed, it is not vouched for: ${describeError(error)}`);
  }
  return wrong;
}
