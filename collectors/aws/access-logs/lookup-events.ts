import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry } from "../logs/answer-entry.ts";
import type { Aws } from "../aws.ts";
import type { Answer, Input, Output } from "../client/link.ts";
import { pageMember } from "../logs/log-names.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";
import { latenessMs } from "../logs/log-window.ts";
import { lookupPace } from "./lookup-pace.ts";
import type { PassSource } from "../logs/pass.ts";

export type LookupQuestion = {
  readonly region: string;
  readonly key: NonNullable<NonNullable<Input<"cloudtrail:LookupEvents">["LookupAttributes"]>[number]["AttributeKey"]>;
  readonly value: string;
  readonly window: Window;
  /** Sees every event that is looked at. */
  readonly seen?: (event: LookedUp) => void;
};

export type LookedUp = NonNullable<Output<"cloudtrail:LookupEvents">["Events"]>[number];

/** CloudTrail keeps so much of its event history. */
const historyMs = 90 * 86_400_000;
const overlapMs = 5 * 60_000;
/** Tries of a question, some ten minutes; and of those after one that never got through. */
const [mostThrottled, mostStarved] = [40, 3];

/**
 * The event history by one attribute, newest first, page for page to the end. True at its end where it was answered. Triage: what
 * counts are the trail's files.
 */
export async function* lookupEvents({ aws, lines, pass, signal }: LogReading, question: LookupQuestion): AsyncGenerator<TarEntry, boolean> {
  const { region, key, value, window, seen } = question;
  const call = "cloudtrail:LookupEvents";
  const path = `event history of ${region}, ${key} ${value}`;
  const oldest = aws.clock().getTime() - historyMs;
  if (Date.parse(window.since) < oldest)
    lines.add(
      lackLine(
        `${path}, before ${new Date(oldest).toISOString()}`,
        `api:${call}`,
        "unavailable",
        "the event history goes back 90 days; older events are in trail files only",
      ),
    );
  // At two pages a second the second pass goes only as far back as something can have been missing.
  const known = pass.earlier(path);
  const from = Math.max(Date.parse(window.since), known === null ? 0 : known.getTime() - latenessMs.trail - overlapMs);
  if (from > Date.parse(window.until)) return true;
  let source: PassSource | null = null;
  for (let token: string | undefined, page = 1; ; page += 1) {
    const input: Input<"cloudtrail:LookupEvents"> = {
      LookupAttributes: [{ AttributeKey: key, AttributeValue: value }],
      StartTime: new Date(from),
      EndTime: new Date(window.until),
      MaxResults: 50,
      ...(token === undefined ? {} : { NextToken: token }),
    };
    const answer = await patiently(aws, region, input, signal);
    if (answer === null) {
      const what = page === 1 ? path : `${path} from page ${page} on`;
      lines.add(lackLine(what, `api:${call}`, page === 1 ? "unavailable" : "truncated", "AWS throttled every try: others of the account ask all the time"));
      return page > 1;
    }
    if (answer.kind === "refused") {
      const line = refusedLine(page === 1 ? path : `${path} from page ${page} on`, answer);
      lines.add(page === 1 || line.outcome === "denied" ? line : { ...line, outcome: "truncated" });
      return page > 1;
    }
    source ??= pass.source(path, answer.date === null ? aws.clock() : new Date(answer.date));
    const { Events: events = [], NextToken: next } = answer.value;
    let wanted = 0;
    for (const event of events) {
      seen?.(event);
      const { EventId: id, EventTime: at } = event;
      // When it came is not told: at the latest by then.
      if (source.wants(id ?? "", id === undefined || at === undefined ? null : new Date(at.getTime() + latenessMs.trail))) wanted += 1;
    }
    if (wanted > 0 || (page === 1 && !pass.late))
      yield answerEntry(aws.clock, lines, answer, {
        member: pageMember(["cloudtrail", region, "LookupEvents", `${key}=${value}`], page, "json"),
        call,
        path: `${path} page ${page}`,
        outcome: wanted > 0 ? "collected" : "empty",
      });
    if (next !== undefined && next === token) {
      lines.add(lackLine(`${path} from page ${page + 1} on`, `api:${call}`, "truncated", "the service gave the same token again: its listing does not go on"));
      return true;
    }
    token = next === "" ? undefined : next;
    if (token === undefined) break;
  }
  source.done();
  return true;
}

/** Others of the account ask at the same limit: being throttled is no failure of the whole. Null where it never got through. */
async function patiently(
  aws: Aws,
  region: string,
  input: Input<"cloudtrail:LookupEvents">,
  signal: AbortSignal,
): Promise<Answer<Output<"cloudtrail:LookupEvents">> | null> {
  const pace = lookupPace(aws, region);
  await pace.turn(signal);
  const throttledTries = pace.starved ? mostStarved : mostThrottled;
  let count = 0;
  const throttled = (): void => {
    count += 1;
  };
  try {
    const answer = await aws.link.ask("source", region, "cloudtrail:LookupEvents", input, signal, { keepWire: true, throttledTries, throttled });
    pace.starved = false;
    return answer;
  } catch (error) {
    if (count < throttledTries || signal.aborted) throw error;
    pace.starved = true;
    return null;
  }
}
