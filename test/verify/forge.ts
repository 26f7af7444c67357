import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { signCheckpointNow } from "../../src/ledger/format/checkpoint.ts";
import { formatVkey, type SigningKey } from "../../src/ledger/keys/log-key.ts";
import { emptyTree, grow, leafHash, rootOf, type Tile } from "../../src/ledger/format/merkle.ts";
import { formatBundle, parseBundle, partialTiles, tilePath } from "../../src/ledger/format/tlog-tiles.ts";

/** The leaves of an export. */
export function leavesOf(dir: string, size: number): Buffer[] {
  const leaves: Buffer[] = [];
  for (let n = 0; n * 256 < size; n += 1) {
    const count = Math.min(256, size - n * 256);
    leaves.push(...parseBundle(readFileSync(join(dir, tilePath("entries", n, count))), count));
  }
  return leaves;
}

/** What an attacker who holds the log's keys can publish: any leaves, with tiles and signatures that fit. */
export function forgeExport(dir: string, leaves: readonly Uint8Array[], origin: string, keys: readonly SigningKey[]): void {
  const put = (name: string, bytes: Uint8Array | string): void => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  };
  const tree = emptyTree();
  const full: Tile[] = [];
  for (const leaf of leaves) grow(tree, leafHash(leaf), full);
  for (const tile of full) put(tilePath(tile.level, tile.n, 256), tile.data);
  for (const { level, n, width } of partialTiles(leaves.length)) put(tilePath(level, n, width), Buffer.concat(tree.rows[level] ?? []));
  for (let start = 0; start < leaves.length; start += 256)
    put(tilePath("entries", start / 256, Math.min(256, leaves.length - start)), formatBundle(leaves.slice(start, start + 256)));
  put("log.vkey", keys.map((key) => `${formatVkey(key.vkey)}\n`).join(""));
  put("checkpoint", signCheckpointNow({ origin, size: leaves.length, root: rootOf(tree) }, keys, 1_767_225_600));
}

export type Statement = { predicate: Record<string, unknown>; subject: unknown[] };

/** A leaf whose statement was changed, canonical if the change kept the order of members. */
export function editedLeaf(leaf: Buffer, edit: (statement: Statement) => void): Buffer {
  return editedPayload(leaf, (text) => {
    const statement: Statement = JSON.parse(text);
    edit(statement);
    return JSON.stringify(statement);
  });
}

export function editedPayload(leaf: Buffer, edit: (text: string) => string): Buffer {
  const envelope: { payload: string } = JSON.parse(leaf.toString("utf8"));
  return Buffer.from(JSON.stringify({ ...envelope, payload: Buffer.from(edit(Buffer.from(envelope.payload, "base64").toString("utf8"))).toString("base64") }));
}
