import type { Database } from "better-sqlite3";
import type { PartNote, PutJournal, PutState } from "../core/vault.ts";

type PutRow = { token: string; part_size: number; completing: number };

/** The journal of one put, in work.db. `guard` throws when the lease was lost: a stale worker must not write. */
export function putJournal(db: Database, collection: string, step: string, exhibit: string, guard: () => void): PutJournal {
  const key = [collection, exhibit] as const;
  const selectPut = db.prepare<[string, string], PutRow>("SELECT token, part_size, completing FROM put WHERE collection=? AND exhibit=?");
  const selectParts = db.prepare<[string, string], { note: string }>("SELECT note FROM part WHERE collection=? AND exhibit=? ORDER BY number");
  const insertPut = db.prepare("INSERT INTO put(collection, step, exhibit, token, part_size) VALUES(?,?,?,?,?)");
  const insertPart = db.prepare("INSERT OR REPLACE INTO part(collection, exhibit, number, note) VALUES(?,?,?,?)");
  const complete = db.prepare("UPDATE put SET completing=1 WHERE collection=? AND exhibit=?");
  const deletePut = db.prepare("DELETE FROM put WHERE collection=? AND exhibit=?");
  const deleteParts = db.prepare("DELETE FROM part WHERE collection=? AND exhibit=?");
  const transaction = db.transaction((write: () => void) => {
    guard();
    write();
  });
  // IMMEDIATE: a transaction that reads first and writes later is refused at once when another process wrote in between.
  const guarded = (write: () => void): void => transaction.immediate(write);
  return {
    load(): PutState | null {
      const row = selectPut.get(...key);
      if (row === undefined) return null;
      const parts = selectParts.all(...key).map((part) => JSON.parse(part.note) as PartNote); // written by part() below
      return { token: row.token, partSize: row.part_size, parts, completing: row.completing === 1 };
    },
    begin: ({ token, partSize }) =>
      guarded(() => {
        deletePut.run(...key);
        deleteParts.run(...key);
        insertPut.run(collection, step, exhibit, token, partSize);
      }),
    part: (note) => guarded(() => insertPart.run(...key, note.number, JSON.stringify(note))),
    completing: () => guarded(() => complete.run(...key)),
    reset: () =>
      guarded(() => {
        deletePut.run(...key);
        deleteParts.run(...key);
      }),
  };
}
