import { constants, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { HoldfastError, systemCode } from "../../core/error.ts";

const TRIES = 5;

/** A private copy of a database and its WAL in a temporary folder. Taken again while the files change under it, so that it is never torn. */
export function copyDatabase(file: string): { readonly file: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-read-"));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const copy = join(dir, basename(file));
  try {
    for (let tried = 0; tried < TRIES; tried += 1) {
      const before = stateOf(file);
      copyFileSync(file, copy, constants.COPYFILE_FICLONE);
      rmSync(`${copy}-wal`, { force: true });
      if (stamp(`${file}-wal`) !== null) copyFileSync(`${file}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
      if (stateOf(file) === before) return { file: copy, remove };
    }
    throw new HoldfastError("ledger", `${file} is being written and its folder cannot be; give this user the right to write there, or wait`);
  } catch (error) {
    remove();
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError("ledger", `${file} cannot be copied for reading`, error);
  }
}

function stateOf(file: string): string {
  return `${stamp(file)} ${stamp(`${file}-wal`)}`;
}

function stamp(file: string): string | null {
  try {
    const { size, mtimeNs } = statSync(file, { bigint: true });
    return `${size}@${mtimeNs}`;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
}
