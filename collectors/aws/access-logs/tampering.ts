import type { Gap } from "../../../src/core/outcome.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine } from "../logs/lack-line.ts";
import { type LookedUp, lookupEvents } from "./lookup-events.ts";
import type { TamperedKind, TamperingSign } from "./tampering-signs.ts";

/** What the exhibit's logs depend on: names and ARNs. A kind that is not here is concerned whatever it names. */
export type Concerned = Partial<Readonly<Record<TamperedKind, ReadonlySet<string>>>>;

type TamperingQuestion = {
  readonly signs: readonly TamperingSign[];
  readonly regions: readonly string[];
  readonly window: Window;
  readonly concerned: Concerned;
};

/** An event as far as it matters here. */
type TamperingEvent = {
  readonly event: string;
  readonly region: string;
  readonly atMs: number;
  readonly id: string;
  readonly subject: string | null;
  readonly who: string;
  /** Null where it was carried out. */
  readonly refused: string | null;
};

/** Of one kind so many are told apart; a flood of them is cut off and said to be. */
const mostEvents = 10_000;

/**
 * Looks in the event history for each way to make logs stop or vanish. By name of the call, so that a trail that is gone is no
 * hindrance: its deletion is what is found. What was done becomes `logging-tampered T1..T2` in the coverage.
 */
export async function* lookForTampering(reading: LogReading, question: TamperingQuestion): AsyncGenerator<TarEntry> {
  const { signs, regions, window, concerned } = question;
  const found: TamperingEvent[] = [];
  const byName = new Map(signs.map((sign) => [sign.event, sign]));
  for (const region of regions) {
    for (const event of signs.map((sign) => sign.event)) {
      let count = 0;
      const seen = (looked: LookedUp): void => {
        count += 1;
        if (count <= mostEvents) found.push(eventOf(looked, byName.get(event) ?? null, region));
      };
      yield* lookupEvents(reading, { region, key: "EventName", value: event, window, seen });
      if (count > mostEvents)
        reading.lines.add(
          lackLine(`${event} in ${region}`, "check:tampering", "truncated", `${count} such events; the oldest ${count - mostEvents} were not judged`),
        );
    }
    for (const undoing of new Set(signs.flatMap((sign) => (sign.undoneBy !== null && found.some(({ event }) => event === sign.event) ? [sign.undoneBy] : []))))
      yield* lookupEvents(reading, {
        region,
        key: "EventName",
        value: undoing,
        window,
        seen: (looked) => found.push(eventOf(looked, signOf(undoing), region)),
      });
  }
  // What a trail or flow log that is gone wrote to is in no settings any more: then whatever happened to any of them is told.
  const gone = found.some(({ event, refused }) => refused === null && (event === "DeleteTrail" || event === "DeleteFlowLogs"));
  const known: Concerned = gone ? { "flow-log": concerned["flow-log"] ?? new Set() } : concerned;
  for (const gap of tamperingGaps(found, signs, known, window)) {
    reading.lines.add({ ...lackLine("", "check:tampering", gap.outcome, gap.reason), path: gap.what });
    reading.tampered.push(gap);
  }
  const tried = found.filter(({ event, refused }) => refused !== null && byName.has(event));
  if (tried.length > 0)
    reading.remarks.add(
      `tried and refused: ${[...new Set(tried.map(({ event, subject, who }) => `${event} of ${subject ?? "something"} by ${who}`))].slice(0, 10).join(", ")}`,
    );

  function signOf(undoing: string): TamperingSign | null {
    return signs.find(({ undoneBy }) => undoneBy === undoing) ?? null;
  }
}

/** Each carried-out event with the time until its subject was switched on again, or the window's end. */
function tamperingGaps(events: readonly TamperingEvent[], signs: readonly TamperingSign[], concerned: Concerned, window: Window): readonly Gap[] {
  const done = events.filter(({ refused }) => refused === null).sort((a, b) => a.atMs - b.atMs);
  return done.flatMap((event): readonly Gap[] => {
    const sign = signs.find((one) => one.event === event.event);
    if (sign === undefined || !concerns(sign, event, concerned)) return [];
    const undone = done.find((later) => later.event === sign.undoneBy && later.atMs >= event.atMs && undoes(sign, later, event, concerned));
    const until = undone === undefined ? window.until : new Date(undone.atMs).toISOString();
    const from = new Date(event.atMs).toISOString();
    const end = undone === undefined ? "not switched on again within the window" : `switched on again by ${undone.who} (${undone.event}, event ${undone.id})`;
    const reason = `${event.event} of ${event.subject ?? "what its record does not name"} in ${event.region} by ${event.who} (event ${event.id}); ${sign.undoneBy === null ? "what is kept may have changed since" : end}`;
    return [{ what: `logging-tampered ${from}..${until}`, outcome: sign.stops ? "source-disabled" : "unavailable", reason }];
  });
}

/** Trails, stores and flow logs of the account always: one that is gone is in no list of those that are there. */
function concerns({ kind }: TamperingSign, { subject }: TamperingEvent, concerned: Concerned): boolean {
  const names = concerned[kind];
  if (names === undefined || kind === "trail" || kind === "store" || kind === "flow-log" || subject === null) return true;
  return names.has(subject) || names.has(subject.slice(subject.lastIndexOf("/") + 1)) || names.has(subject.replace(/^.*:log-group:/, "").replace(/:\*$/, ""));
}

/** A flow log that is made anew has another id: it counts where it is of one of our interfaces, subnets or VPCs. */
function undoes({ kind }: TamperingSign, later: TamperingEvent, event: TamperingEvent, concerned: Concerned): boolean {
  if (kind === "flow-log") return [...(concerned["flow-log"] ?? [])].some((id) => later.subject?.includes(id) === true);
  const bare = (subject: string | null): string => (subject ?? "").replace(/^.*\//, "");
  return later.region === event.region && bare(later.subject) === bare(event.subject);
}

function eventOf(looked: LookedUp, sign: TamperingSign | null, region: string): TamperingEvent {
  const record = recordOf(looked.CloudTrailEvent ?? "");
  const request = fieldOf(record, "requestParameters");
  const given = (sign?.names ?? []).map((name) => fieldOf(request, name)).find((value) => value !== undefined && value !== null);
  const subject = sign?.kind === "flow-log" ? idsIn(request) : typeof given === "string" ? given : given === undefined ? null : JSON.stringify(given);
  const arn = fieldOf(fieldOf(record, "userIdentity"), "arn");
  const address = fieldOf(record, "sourceIPAddress");
  const who = typeof arn === "string" ? arn : (looked.Username ?? "an unnamed identity");
  const error = fieldOf(record, "errorCode");
  return {
    event: looked.EventName ?? "",
    region,
    atMs: looked.EventTime?.getTime() ?? 0,
    id: printable(looked.EventId ?? ""),
    subject: subject === null ? null : printable(subject),
    who: printable(typeof address === "string" ? `${who} from ${address}` : who),
    refused: typeof error === "string" ? error : null,
  };
}

/** The requests of EC2 are nested in ways that differ from call to call; the ids in them do not. */
function idsIn(request: unknown): string | null {
  const ids = JSON.stringify(request ?? null).match(/\b(?:fl|eni|subnet|vpc)-[0-9a-f]{8,17}\b/g);
  return ids === null ? null : [...new Set(ids)].join(", ");
}

function recordOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the event itself still counts
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
