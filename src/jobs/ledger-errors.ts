import Database from "better-sqlite3";
import { HoldfastError } from "../core/error.ts";

/**
 * The same object, whose methods turn what SQLite throws into `ledger`: a journal that cannot be written stops the collection in
 * a state that resume goes on from, and is never mistaken for a failure of source or vault.
 */
export function asLedgerErrors<T extends object>(path: string, port: T): T {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: readonly unknown[]): unknown => {
        try {
          return Reflect.apply(member, target, args);
        } catch (error) {
          if (error instanceof Database.SqliteError)
            throw new HoldfastError("ledger", `${path}: the work journal cannot be used (${error.code}); check free space and rights, then resume`, error);
          throw error;
        }
      };
    },
  });
}
