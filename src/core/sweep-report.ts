/**
 * What its store shows of an exhibit beside what was promised and shown before. `lapsed`: the promise itself has run out, and it
 * stood open; `ended` where two persons had decided that it ends then. `never-shown`: no lock was ever read back as asked, so that none can be broken. `unread`: nothing may be concluded.
 */
export type SweptLock = "kept" | "ended" | "lapsed" | "broken" | "missing" | "altered" | "never-shown" | "unread";

export type SweptExhibit = {
  readonly exhibit: string;
  readonly lock: SweptLock;
  /** Until when it was promised and what its store shows; RFC 3339. Null where it is not known. */
  readonly promisedUntil: string | null;
  readonly shownUntil: string | null;
  /** `cut`: two persons decided when it ends, and it is not lengthened. */
  readonly renewal: "not-due" | "cut" | "due" | "renewed" | "failed";
  /** Until when it is kept now, or would be; null where nothing is due. */
  readonly until: string | null;
  /** What this sweep recorded. */
  readonly acts: readonly string[];
  readonly text: string;
};

/** What a sweep of all kept exhibits came to, in exhibits. */
export type SweepReport = {
  readonly looked: number;
  readonly renewed: number;
  /** Left to end when two persons decided. */
  readonly cut: number;
  /** Due, and left as it was: nothing was to be changed, or nothing is there. */
  readonly due: number;
  readonly failed: number;
  readonly broken: number;
  readonly unread: number;
  readonly neverShown: number;
  /** When the first exhibit is due again. RFC 3339; null where none is kept. */
  readonly nextDue: string | null;
};

/** An object of our own that proves evidence: one of the ledger's mirror, or the record beside an exhibit. */
export type SweptRecord = Pick<SweptExhibit, "shownUntil" | "until" | "text"> & {
  readonly vault: string;
  readonly key: string;
  readonly lock: SweptLock;
  readonly renewal: "not-due" | "due" | "renewed" | "failed";
};

/** What a sweep of them came to, in objects. */
export type RecordReport = Pick<SweepReport, "looked" | "renewed" | "due" | "failed" | "broken" | "unread">;

/** `act`: the entry that says so; null where nothing was to be recorded. */
export type WholeSweep = SweepReport & { readonly records: RecordReport; readonly act: string | null };
