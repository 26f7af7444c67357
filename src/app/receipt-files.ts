import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import { openNewFile } from "../custody/new-file.ts";
import { formatTlogProof } from "../ledger/format/tlog-proof.ts";
import { signatureOf } from "../ledger/format/leaf.ts";
import type { AnchoredActs, Receipt } from "../ledger/read/receipt.ts";
import { parseArchive } from "../ledger/timestamps/timestamp-archive.ts";
import { signatureFiles } from "./act-signature.ts";

type NamedFile = readonly [name: string, content: Uint8Array | string];

/** A new folder with the receipt as files that openssl, sha256sum and ssh-keygen read (FORMAT.md §17); `record` are the files for people and programs. */
export async function writeReceipt(receipt: Receipt, record: readonly NamedFile[], dir: string, random: Random): Promise<void> {
  const files: readonly NamedFile[] = [
    ...record,
    ["log.vkey", receipt.vkeys],
    ["checkpoint", receipt.note],
    ...receipt.acts.flatMap(({ seq, leaf, proof }): readonly NamedFile[] => [
      [`act-${seq}.leaf`, leaf],
      [`act-${seq}.tlog-proof`, proof],
      ...(signatureOf(leaf) === null
        ? []
        : signatureFiles(seq, leaf, receipt.origin).files.map(([suffix, content]): NamedFile => [`act-${seq}.signed${suffix}`, content])),
    ]),
  ];
  const anchored = receipt.anchored.map((one) => ({ folder: `${one.row.kind.replace(":", "-")}-${one.row.size}`, files: anchorFiles(one) }));
  await makeFolder(dir);
  await writeAll(dir, files, random);
  for (const one of anchored) {
    await makeFolder(join(dir, one.folder));
    await writeAll(join(dir, one.folder), one.files, random);
  }
}

function anchorFiles({ row, acts }: AnchoredActs): readonly NamedFile[] {
  const [checkpoint, more] = row.kind.startsWith("rfc3161:") ? timestampFiles(row.bytes) : ([row.bytes, []] as const);
  const proofs = acts.map(
    ({ seq, path }): NamedFile => [
      `act-${seq}.tlog-proof`,
      formatTlogProof({ index: seq, hashes: path, checkpoint: checkpoint.toString("utf8"), extra: null }),
    ],
  );
  return [["checkpoint", checkpoint], ...more, ...proofs];
}

function timestampFiles(bytes: Uint8Array): readonly [Buffer, readonly NamedFile[]] {
  const { note, response, chain, crls } = parseArchive(bytes);
  const root = chain.at(-1);
  return [
    note,
    [
      ["response.tsr", response],
      ["root.pem", root?.toString() ?? ""],
      ["others.pem", chain.slice(0, -1).join("")],
      ...crls.map((crl, i): NamedFile => [`${i + 1}.crl`, crl]),
    ],
  ];
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    const why = systemCode(error) === "EEXIST" ? "exists; name a new folder, nothing is overwritten" : "cannot be made; name a folder where you may write";
    throw new HoldfastError("usage", `--out ${printable(dir)} ${why}`, error);
  }
}

async function writeAll(dir: string, files: readonly NamedFile[], random: Random): Promise<void> {
  for (const [name, content] of files) {
    await using file = await openNewFile(join(dir, name), random);
    await file.file.writeFile(content);
    await file.name();
  }
}
