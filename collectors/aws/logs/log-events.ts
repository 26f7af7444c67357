import { HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Window } from "../../../src/core/window.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry } from "./answer-entry.ts";
import type { Aws } from "../aws.ts";
import type { Output } from "../client/link.ts";
import { pageMember } from "./log-names.ts";
import { lackLine, refusedLine } from "./lack-line.ts";
import type { LogReading } from "./log-reading.ts";
import type { PassSource } from "./pass.ts";

export type EventsQuestion = {
  /** Name or ARN without `:*`. */
  readonly group: string;
  /** Null: the target's. */
  readonly region: string | null;
  /** Beginning of the streams' names; null: all. */
  readonly streams: string | null;
  /** Both ends included, by the events' own time. */
  readonly window: Window;
};

type Page = Output<"logs:FilterLogEvents">;

/** What one answer holds at most (API reference, FilterLogEvents). */
const fullPage = 10_000;

/**
 * The events of a group, page for page as they came over the wire, to the end; memory holds one page. True at its end where the
 * source answered. A service that ends after a full page is asked once more for what comes after it.
 */
export async function* logEvents({ aws, lines, pass, remarks, signal }: LogReading, question: EventsQuestion): AsyncGenerator<TarEntry, boolean> {
  const { group, region, streams, window } = question;
  const path = `logs:${group}${streams === null ? "" : `/${streams}`}`;
  const call = "logs:FilterLogEvents";
  const named = group.startsWith("arn:") ? { logGroupIdentifier: group } : { logGroupName: group };
  const prefix = streams === null ? {} : { logStreamNamePrefix: streams };
  let from = Date.parse(window.since);
  let token: string | undefined;
  let source: PassSource | null = null;
  let before: ReadonlySet<string> | null = null;
  let found = 0;
  for (let number = 1; ; number += 1) {
    const input = { ...named, ...prefix, startTime: from, endTime: Date.parse(window.until), ...(token === undefined ? {} : { nextToken: token }) };
    const answer = await aws.link.ask("source", region, call, input, signal, { keepWire: true });
    if (answer.kind === "refused") {
      const line = refusedLine(number === 1 ? path : `${path} from page ${number} on`, answer);
      lines.add(number === 1 ? line : { ...line, outcome: line.outcome === "denied" ? "denied" : "truncated" });
      return number > 1;
    }
    source ??= pass.source(path, serverTime(aws, answer.date));
    const { events = [], nextToken: next } = answer.value;
    const known = before;
    const fresh = events.filter(({ eventId: id }) => known === null || id === undefined || !known.has(id));
    const wanted = wantedOf(source, fresh);
    found += wanted;
    // The first page of a first pass is kept even where it is empty: it says that nothing was there.
    if (wanted > 0 || (number === 1 && !pass.late)) {
      const member = pageMember(["logs", ...(region === null ? [] : [region]), group, ...(streams === null ? [] : [streams])], number, "json");
      yield answerEntry(aws.clock, lines, answer, {
        member,
        call,
        path: `${path} page ${number}`,
        outcome: wanted > 0 ? "collected" : "empty",
        reason: known === null ? null : "asked for anew: the service had ended the listing after a full page",
      });
    }
    const repeated = next !== undefined && next === token;
    if (repeated) {
      lines.add(
        lackLine(`${path} from page ${number + 1} on`, `api:${call}`, "truncated", "the service gave the same token again: its listing does not go on"),
      );
      return true;
    }
    before = null;
    token = next === "" ? undefined : next;
    if (token !== undefined) continue;
    if (events.length < fullPage || (known !== null && fresh.length === 0)) break;
    // It may be the end, or a service that forgot the rest: what comes from its newest event on decides.
    remarks.add(`${printable(path)}: the service ended its listing after a full page and was asked for what comes after it`);
    before = new Set(events.flatMap(({ eventId: id }) => id ?? []));
    from = Math.max(...events.map(({ timestamp: time }) => time ?? from));
  }
  if (found === 0 && pass.late) lines.add({ ...lackLine(path, `api:${call}`, "empty", "nothing arrived after the first pass"), member: null });
  source.done();
  return true;
}

function wantedOf(source: PassSource, events: NonNullable<Page["events"]>): number {
  let wanted = 0;
  for (const { eventId: id, ingestionTime: arrived } of events)
    if (source.wants(id ?? "", id === undefined || arrived === undefined ? null : new Date(arrived))) wanted += 1;
  return wanted;
}

/** The service's own clock, since arrival is told by it. */
function serverTime(aws: Aws, date: string | null): Date {
  if (date === null) return aws.clock();
  const time = new Date(date);
  if (Number.isNaN(time.getTime())) throw new HoldfastError("unexpected", `CloudWatch Logs answers with a date that is none: ${JSON.stringify(date)}`);
  return time;
}
