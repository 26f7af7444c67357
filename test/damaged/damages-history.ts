import { randomBytes } from "node:crypto";
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { makeLogKeys, readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { leafHash } from "../../src/ledger/format/merkle.ts";
import type { Damage } from "./damage.ts";
import { encode, leafAt, readHead, signHead, size, tamper, writeHead } from "./tamper.ts";
import { append, forkedCopy, note, predicateAt, removeDatabase, replace, restore, sizeOf } from "./damage-tools.ts";

/** What was recorded, its order, its head, its files. */
export const historyDamages: readonly Damage[] = [
  {
    name: "edited leaf",
    verdict: "altered",
    kind: "leaf-altered",
    damage: (paths) =>
      tamper(paths, (db) => {
        const leaf = Buffer.from(leafAt(db, 1));
        leaf[14] = leaf[14] === 0x41 ? 0x42 : 0x41; // a character of the nonce: still JSON, still canonical
        db.prepare("UPDATE entry SET leaf=? WHERE idx=1").run(leaf);
      }),
  },
  {
    name: "edited leaf with its hash put right",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        replace(db, 1, encode(paths, { ...predicateAt(paths, db, 1), reason: "another reason" }));
      }),
  },
  {
    name: "swapped rows",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        const [one, two] = [leafAt(db, 1), leafAt(db, 2)];
        replace(db, 1, { bytes: two, hash: leafHash(two) });
        replace(db, 2, { bytes: one, hash: leafHash(one) });
      }),
  },
  {
    name: "replaced row",
    verdict: "altered",
    kind: "root-differs",
    damage: (paths) =>
      tamper(paths, (db) => {
        const { act: _, ...rest } = predicateAt(paths, db, 1);
        replace(db, 1, encode(paths, { ...rest, act: "note", case: null, collection: null, exhibits: [], digests: {}, lease: null, once: null }));
      }),
  },
  {
    name: "deleted tail",
    verdict: "rollback",
    kind: "rollback",
    damage: (paths) => tamper(paths, (db) => void db.prepare("DELETE FROM entry WHERE idx>=?").run(size(db) - 1)),
  },
  {
    name: "deleted tail without traces",
    verdict: "rollback",
    kind: "rollback",
    damage: (paths) =>
      tamper(paths, (db) => {
        const left = size(db) - 1;
        for (const table of ["entry", "act", "opened", "exhibit"]) db.prepare(`DELETE FROM ${table} WHERE idx>=?`).run(left);
        db.prepare("DELETE FROM checkpoint WHERE size>?").run(left);
      }),
  },
  {
    name: "deleted row in the middle",
    verdict: "altered",
    kind: "entry-missing",
    damage: (paths) => tamper(paths, (db) => void db.prepare("DELETE FROM entry WHERE idx=1").run()),
  },
  {
    name: "older copy of ledger.db",
    verdict: "rollback",
    kind: "rollback",
    damage: async (paths) => {
      copyFileSync(paths.ledger, `${paths.ledger}.old`);
      await append(paths, [note("one more"), note("and one more")]);
      restore(paths.ledger);
    },
  },
  {
    name: "older copy of head.db",
    verdict: "rollback",
    kind: "rollback",
    damage: async (paths) => {
      copyFileSync(paths.head, `${paths.head}.old`);
      await append(paths, [note("one more")]);
      await append(paths, [note("and one more")]);
      restore(paths.head);
    },
  },
  { name: "forked copy", verdict: "fork", kind: "fork", damage: (paths) => forkedCopy(paths, 1) },
  { name: "forked copy that is longer", verdict: "fork", kind: "fork", damage: (paths) => forkedCopy(paths, 3) },
  {
    name: "wrong key",
    verdict: "altered",
    kind: "signature",
    damage: (paths) => {
      const { origin } = readVkeys(paths.keys);
      rmSync(paths.keys, { recursive: true });
      makeLogKeys(paths.keys, origin, randomBytes);
    },
  },
  { name: "head ahead", verdict: "rollback", kind: "rollback", damage: (paths) => signHead(paths, sizeOf(paths) + 5, randomBytes(32)) },
  { name: "head of another tree", verdict: "fork", kind: "fork", damage: (paths) => signHead(paths, sizeOf(paths), randomBytes(32)) },
  {
    name: "head altered",
    verdict: "altered",
    kind: "signature",
    damage: (paths) =>
      writeHead(
        paths,
        Buffer.from(
          readHead(paths)
            .toString("utf8")
            .replace(/\n\d+\n/, "\n1\n"),
        ),
      ),
  },
  {
    name: "head without its ML-DSA signature",
    verdict: "altered",
    kind: "signature",
    damage: (paths) => {
      const lines = readHead(paths).toString("utf8").split("\n");
      writeHead(paths, Buffer.from([...lines.slice(0, -2), ""].join("\n")));
    },
  },
  { name: "head.db deleted", verdict: "unverifiable", kind: "head-missing", damage: (paths) => removeDatabase(paths.head) },
  {
    name: "head.db overwritten",
    verdict: "altered",
    kind: "checkpoint-altered",
    damage: (paths) => {
      removeDatabase(paths.head);
      writeFileSync(paths.head, "not a database, and long enough to be looked at as one ".repeat(100));
    },
  },
  { name: "ledger.db deleted", verdict: "rollback", kind: "entry-missing", damage: (paths) => removeDatabase(paths.ledger) },
  {
    name: "ledger.db cut short",
    verdict: "altered",
    kind: "schema",
    damage: (paths) => {
      tamper(paths, () => undefined);
      truncateSync(paths.ledger, 3 * 4096);
    },
  },
  {
    name: "one byte of the file changed",
    verdict: "altered",
    kind: "leaf-altered",
    damage: (paths) => {
      const wanted = { nonce: "" };
      tamper(paths, (db) => {
        wanted.nonce = leafAt(db, 1).toString("utf8").slice(10, 32);
      });
      const file = readFileSync(paths.ledger);
      // SQLite may have left an old copy of the page behind: the byte is changed wherever it stands.
      for (let at = file.indexOf(wanted.nonce); at >= 0; at = file.indexOf(wanted.nonce, at + 1)) file[at + 4] = file[at + 4] === 0x41 ? 0x42 : 0x41;
      writeFileSync(paths.ledger, file);
    },
  },
];
