/** SQL of `ledger.db` and `head.db`. The file format is permanent: later versions add tables under a higher user_version, and change none. */
export const LEDGER_APPLICATION_ID = 0x48_4f_4c_44; // "HOLD"
export const HEAD_APPLICATION_ID = 0x48_4f_4c_48; // "HOLH"
export const USER_VERSION = 1;

// Triggers and STRICT stop accidents, not whoever holds the file: those are caught by the checkpoints (facts: the audit).
// The insert guards are needed because INSERT OR REPLACE passes update and delete triggers while recursive_triggers is off.
const appendOnly = (table: string, guard: string, message: string): readonly string[] => [
  `CREATE TRIGGER ${table}_ins BEFORE INSERT ON ${table} WHEN ${guard} BEGIN SELECT RAISE(ABORT,'append-only: ${message}'); END`,
  `CREATE TRIGGER ${table}_upd BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT,'append-only'); END`,
  `CREATE TRIGGER ${table}_del BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT,'append-only'); END`,
];

/** One statement each, verbatim as SQLite keeps them in sqlite_schema: the audit compares. */
export const ledgerSchema: readonly string[] = [
  "CREATE TABLE entry(idx INTEGER PRIMARY KEY CHECK(idx>=0), leaf BLOB NOT NULL CHECK(length(leaf) BETWEEN 1 AND 65535), leaf_hash BLOB NOT NULL CHECK(length(leaf_hash)=32)) STRICT",
  ...appendOnly("entry", "NEW.idx IS NULL OR NEW.idx <> (SELECT coalesce(max(idx)+1,0) FROM entry)", "not next index"),
  "CREATE TABLE tile(level INTEGER, n INTEGER, data BLOB NOT NULL CHECK(length(data)=8192), PRIMARY KEY(level,n)) STRICT, WITHOUT ROWID",
  ...appendOnly("tile", "NEW.n <> (SELECT coalesce(max(n)+1,0) FROM tile WHERE level=NEW.level)", "not next tile"),
  "CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
  ...appendOnly("checkpoint", "NEW.size IS NULL OR NEW.size <= (SELECT coalesce(max(size),-1) FROM checkpoint)", "not a later size"),
  "CREATE TABLE anchor(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, kind TEXT NOT NULL, bytes BLOB NOT NULL) STRICT",
  ...appendOnly("anchor", "NEW.id IS NOT NULL AND NEW.id > -1 AND NEW.id <= (SELECT coalesce(max(id),-1) FROM anchor)", "id in use"),
  // An index of the leaves, rebuildable from them; written in the same transaction.
  "CREATE TABLE act(idx INTEGER PRIMARY KEY, case_id TEXT, collection TEXT, once TEXT) STRICT",
  "CREATE INDEX act_case ON act(case_id) WHERE case_id IS NOT NULL",
  "CREATE INDEX act_collection ON act(collection) WHERE collection IS NOT NULL",
  "CREATE UNIQUE INDEX act_once ON act(once) WHERE once IS NOT NULL",
  "CREATE TABLE opened(case_id TEXT PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  "CREATE TABLE exhibit(case_id TEXT, number INTEGER, seq INTEGER, idx INTEGER NOT NULL, PRIMARY KEY(case_id,number,seq)) STRICT, WITHOUT ROWID",
  "CREATE TABLE lease(collection TEXT PRIMARY KEY, high INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

export const headSchema: readonly string[] = ["CREATE TABLE checkpoints(logID BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT"];
