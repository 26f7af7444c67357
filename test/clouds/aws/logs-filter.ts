import { createHash } from "node:crypto";
import { groupOf, type EventSource, type LogEvent, type LogGroup, type LogsWorld } from "./logs-world.ts";
import { numberOf, textOf, textsOf } from "./params.ts";
import { placeOf, requestOf, tokenFor } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, Unknown } from "./service.ts";

/** Quotas of one answer. */
const most = { events: 10_000, bytes: 1_048_576 };
const tokenLife = 86_400_000;

export function filterLogEvents(world: LogsWorld, call: Call): Reply {
  const { params } = call;
  const bad = (message: string): AwsRefusal => new AwsRefusal("InvalidParameterException", message);
  const group = groupOf(world, call);
  if (textOf(params, "startFromHead") === "false") throw new Unknown("logs:FilterLogEvents from the tail");
  const limit = numberOf(params, "limit") ?? most.events;
  if (!(limit >= 1 && limit <= most.events)) throw bad("limit must be between 1 and 10000");
  const from = numberOf(params, "startTime") ?? 0;
  const until = numberOf(params, "endTime") ?? Number.POSITIVE_INFINITY;
  if (from > until) throw bad("endTime must not be before startTime");
  const wanted = wantedStreams(group, call);
  const matches = patternOf(textOf(params, "filterPattern") ?? "");
  const request = requestOf(call, "nextToken");
  const token = textOf(params, "nextToken");
  const invalidToken = (): AwsRefusal => bad("The specified nextToken is invalid.");
  const place = placeOf(token, request, call.now, invalidToken);
  if (call.now.getTime() - place.asOf > tokenLife) throw invalidToken();
  if (place.empties < world.emptyPages)
    return { json: { events: [], searchedLogStreams: [], nextToken: tokenFor({ ...place, empties: place.empties + 1 }, request) } };
  const end = firstFrom(group.events, until + 1);
  const events: unknown[] = [];
  let at = token === null || place.at === 0 ? firstFrom(group.events, from) : place.at;
  let bytes = 0;
  for (let looked = 0; at < end && looked < world.scanned && events.length < limit; at += 1, looked += 1) {
    const event = group.events.at(at);
    if (!wanted(event) || (event.arrived ?? event.time) > call.now.getTime() || !matches(event.message)) continue;
    bytes += Buffer.byteLength(event.message) + 26;
    if (bytes > most.bytes && events.length > 0) break;
    events.push(shown(group, event, at));
  }
  const next = at < end ? { nextToken: tokenFor({ at, empties: 0, asOf: place.asOf }, request) } : {};
  return { json: { events, searchedLogStreams: [], ...next } };
}

function wantedStreams(group: LogGroup, call: Call): (event: LogEvent) => boolean {
  const names = textsOf(call.params, "logStreamNames");
  const prefix = textOf(call.params, "logStreamNamePrefix");
  if (names.length > 0 && prefix !== null) throw new AwsRefusal("InvalidParameterException", "logStreamNames and logStreamNamePrefix exclude each other.");
  for (const name of names) if (!group.streams.has(name)) throw new AwsRefusal("ResourceNotFoundException", "The specified log stream does not exist.");
  if (names.length > 0) return ({ stream }) => names.includes(stream);
  return ({ stream }) => stream.startsWith(prefix ?? "");
}

/** Words and quoted words that must all be there; the rest of the pattern language is not spoken here. */
function patternOf(pattern: string): (message: string) => boolean {
  const words = pattern.match(/"[^"]*"|[^\s"]+/g) ?? [];
  if (words.some((word) => !/^("[^"]*"|[\w.:/-]+)$/.test(word) || word.startsWith("-"))) throw new Unknown(`logs:FilterLogEvents with the pattern ${pattern}`);
  const plain = words.map((word) => word.replaceAll('"', ""));
  return (message) => plain.every((word) => message.includes(word));
}

/** The first index whose event is not before `time`. */
function firstFrom(events: EventSource, time: number): number {
  let low = 0;
  let high = events.count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (events.at(middle).time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shown(group: LogGroup, event: LogEvent, index: number): unknown {
  const hash = createHash("sha256").update(`${group.name} ${index}`).digest().readBigUInt64BE().toString();
  return {
    logStreamName: event.stream,
    timestamp: event.time,
    message: event.message,
    ingestionTime: event.arrived ?? event.time,
    eventId: `3${String(index).padStart(20, "0")}${hash.padStart(35, "0")}`,
  };
}
