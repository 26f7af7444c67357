import { choice, digits, flag, type JsonSchema, listOf, objectOf, orNull, text, time } from "./words.ts";

/** Documents about what stores show of locks and of reads. */
export const storeDocuments: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>> = {
  sweep: {
    outcome: choice("well", "broken", "not-renewed", "unread"),
    dryRun: flag,
    renewBefore: text,
    looked: digits,
    renewed: digits,
    due: digits,
    failed: digits,
    broken: digits,
    unread: digits,
    neverShown: digits,
    nextDue: orNull(time),
    exhibits: listOf(
      objectOf({
        exhibit: text,
        lock: choice("kept", "lapsed", "broken", "missing", "altered", "never-shown", "unread"),
        promisedUntil: orNull(time),
        shownUntil: orNull(time),
        renewal: choice("not-due", "due", "renewed", "failed"),
        until: orNull(time),
        acts: listOf(digits),
        text,
      }),
    ),
  },
  reconcile: {
    outcome: choice("explained", "unexplained", "partial", "nothing-logged"),
    since: time,
    covered: orNull(objectOf({ since: time, until: time })),
    files: digits,
    lines: digits,
    unreadable: digits,
    firstUnreadable: orNull(text),
    calls: objectOf({ onExhibits: digits, byRequestId: digits, byTime: digits, looks: digits, elsewhere: digits }),
    principals: listOf(text),
    unexplained: digits,
    unlogged: listOf(objectOf({ seq: digits, act: text, exhibit: text, time })),
    text: listOf(text),
    list: listOf(
      objectOf({
        time,
        what: choice("read", "look", "write", "lock", "delete"),
        outcome: choice("done", "refused"),
        operation: text,
        exhibit: orNull(text),
        bucket: text,
        key: orNull(text),
        requester: text,
        address: text,
        requestId: text,
        log: text,
      }),
    ),
  },
};
