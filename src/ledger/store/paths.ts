/** Where a ledger's files are. `head` may be on another volume, so that one restored disk does not roll back both. */
export type LedgerPaths = {
  /** The file ledger.db. */
  readonly ledger: string;
  /** The file head.db. */
  readonly head: string;
  /** The folder with log.vkey and the two private keys. */
  readonly keys: string;
};
