/** What a call does to an object. `look` reads what is around the bytes (HEAD, its lock, its tags) and none of them. */
export type CallKind = "read" | "look" | "write" | "lock" | "delete";

/** One request to a store, as the store's own log has it. */
export type LoggedCall = {
  /** File and place in it. */
  readonly log: string;
  /** Milliseconds since 1970; the log's own second. */
  readonly time: number;
  readonly bucket: string;
  /** Every form that the key may have been written in; empty where the log names none. */
  readonly keys: readonly string[];
  readonly operation: string;
  readonly kind: CallKind;
  readonly requestId: string;
  readonly requester: string;
  readonly address: string;
  /** HTTP status or error code of a refusal; null where it was done. */
  readonly refused: string | null;
};

/** A call on an exhibit's object that no act explains. */
export type UnexplainedCall = {
  readonly time: string;
  readonly what: CallKind;
  readonly outcome: "done" | "refused";
  readonly operation: string;
  /** Null where the log names no key, and it may have been any of this bucket. */
  readonly exhibit: string | null;
  readonly bucket: string;
  readonly key: string | null;
  readonly requester: string;
  readonly address: string;
  readonly requestId: string;
  readonly log: string;
};

/** An act that spoke with the store while the logs cover it, and of which they hold no call. */
export type UnloggedAct = { readonly seq: string; readonly act: string; readonly exhibit: string; readonly time: string };

export type ReconcileReport = {
  readonly since: string;
  /** From the first to the last call in the logs; null where they hold none since then. */
  readonly covered: { readonly since: string; readonly until: string } | null;
  readonly files: number;
  readonly lines: number;
  /** Lines or files that are no access log and no CloudTrail event, and the first of them. */
  readonly unreadable: number;
  readonly firstUnreadable: string | null;
  /** Calls on objects of exhibits, and by what they are explained. */
  readonly calls: { readonly onExhibits: number; readonly byRequestId: number; readonly byTime: number; readonly looks: number; readonly elsewhere: number };
  /** Whether calls that were ours by their id say which principals are ours; else time and key alone explained the others. */
  readonly principals: readonly string[];
  readonly unexplained: number;
  readonly unlogged: readonly UnloggedAct[];
};
