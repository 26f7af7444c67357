import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { HoldfastError, systemCode } from "../../core/error.ts";
import type { Db } from "../store/database.ts";
import { formatNote, type NoteSignature, parseNote } from "../format/note.ts";
import type { ExportFolder } from "./write-export-file.ts";

const FOLDER = "anchors";
const IN_FLIGHT = 8;
/** A note has at most 64 lines (C2SP signed-note), and the log's own are among them. */
const MAX_COSIGNATURES = 48;

/** The head's note with the lines of the witnesses that cosigned just this head, behind the log's own. `more` are lines known from elsewhere. */
export function cosignedNote(db: Db, note: Buffer, size: number, more: readonly NoteSignature[] = []): Buffer {
  const head = parseNote(note);
  const rows = db.prepare<[number], Buffer>("SELECT bytes FROM anchor WHERE size=? AND kind LIKE 'witness:%' ORDER BY id").pluck().all(size);
  const lines = new Map(head.signatures.map((line) => [nameOf(line), line]));
  // Which of them hold is for who trusts that witness to say. One over another text cannot hold.
  const found = rows.flatMap((bytes) => linesOver(head.text, bytes));
  for (const line of [...found, ...more]) if (!lines.has(nameOf(line)) && lines.size < MAX_COSIGNATURES) lines.set(nameOf(line), line);
  return Buffer.from(formatNote({ text: head.text, signatures: [...lines.values()] }));
}

/** The signature lines of a note over just this text; none where it is over another, or no note. */
export function linesOver(text: string, bytes: Buffer): readonly NoteSignature[] {
  try {
    const note = parseNote(bytes);
    return note.text === text ? note.signatures : [];
  } catch {
    return []; // a damaged proof is for the audit to name, and no reason to export nothing
  }
}

/**
 * Every kept proof about the first `size` entries or fewer as a file of its own (FORMAT.md §12). Those that are there by name are
 * not written again, so that a next export costs only what is new. Gives what was written.
 */
export async function exportAnchors(db: Db, folder: ExportFolder, dir: string, size: number): Promise<{ readonly files: number; readonly bytes: number }> {
  const there = new Set(await namesIn(dir));
  const one = db.prepare<[number], Buffer>("SELECT bytes FROM anchor WHERE id=?").pluck();
  const rows = db.prepare<[number], { id: number; size: number; kind: string }>("SELECT id, size, kind FROM anchor WHERE size<=? ORDER BY id").all(size);
  const missing = rows.flatMap((row) => {
    const name = fileName(row);
    return name === null || there.has(name) ? [] : [{ id: row.id, name }];
  });
  let bytes = 0;
  for (let i = 0; i < missing.length; i += IN_FLIGHT) {
    const batch = missing.slice(i, i + IN_FLIGHT).map(({ id, name }) => ({ name, proof: one.get(id) ?? Buffer.alloc(0) }));
    await Promise.all(batch.map(async ({ name, proof }) => folder.add(`${FOLDER}/${name}`, proof)));
    for (const { proof } of batch) bytes += proof.length;
  }
  return { files: missing.length, bytes };
}

/** Null for kinds that a later version may keep, and for names that no configuration gave: a path must not come out of the database. */
function fileName({ size, kind }: { readonly size: number; readonly kind: string }): string | null {
  const [, type, name] = /^(witness|rfc3161):([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/.exec(kind) ?? [];
  return type === undefined || size < 0 ? null : `${String(size).padStart(20, "0")}.${type}.${name}`;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(join(dir, FOLDER));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new HoldfastError("config", `${join(dir, FOLDER)} cannot be read (${systemCode(error) ?? "?"})`, error);
  }
}

function nameOf({ name, keyId }: NoteSignature): string {
  return `${name} ${keyId.toString("hex")}`;
}
