import { textOf } from "./params.ts";
import { AwsRefusal, type Call } from "./service.ts";

export type LogEvent = {
  readonly stream: string;
  /** Milliseconds. */
  readonly time: number;
  readonly message: string;
  /** When the service had it, and shows it from then on; its own time unless said. */
  readonly arrived?: number;
};

/** In order of time. `at` may make them up: the same index, the same event. */
export type EventSource = { readonly count: number; readonly at: (index: number) => LogEvent };

export type LogGroup = {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly created: Date;
  readonly retentionDays?: number;
  readonly kmsKeyId?: string;
  readonly streams: ReadonlySet<string>;
  readonly events: EventSource;
};

export type LogsWorld = {
  readonly groups: LogGroup[];
  /** So many empty pages with a token before every page that holds something. */
  emptyPages: number;
  /** Events looked at for one page, at most; a page then comes short, or empty, with a token. */
  scanned: number;
};

export function logsWorld(groups: readonly LogGroup[] = []): LogsWorld {
  return { groups: [...groups], emptyPages: 0, scanned: 100_000 };
}

type Named = Pick<LogGroup, "name" | "account" | "region" | "created"> & Pick<Partial<LogGroup>, "retentionDays" | "kmsKeyId">;

export function listedGroup(named: Named, events: readonly LogEvent[]): LogGroup {
  const sorted = [...events].sort((a, b) => a.time - b.time);
  const at = (index: number): LogEvent => {
    const event = sorted[index];
    if (event === undefined) throw new RangeError(`no event ${index} in ${named.name}`);
    return event;
  };
  return { ...named, streams: new Set(sorted.map(({ stream }) => stream)), events: { count: sorted.length, at } };
}

/** `count` events from `from` on, `everyMs` apart, over so many streams, or those of these interfaces in turn; nothing of it is kept. */
export function generatedGroup(named: Named, count: number, from: Date, everyMs: number, streams: number | readonly string[]): LogGroup {
  const faces = typeof streams === "number" ? Array.from({ length: Math.min(streams, count) }, (_, i) => `eni-${String(i).padStart(17, "0")}`) : streams;
  const face = (index: number): string => faces[index % faces.length] ?? "";
  const at = (index: number): LogEvent => ({
    stream: `${face(index)}-all`,
    time: from.getTime() + index * everyMs,
    message: `2 ${named.account} ${face(index)} 10.0.0.10 198.51.100.7 ${1024 + (index % 60_000)} 443 6 10 ${index} 0 0 ACCEPT OK`,
  });
  return { ...named, streams: new Set(faces.map((one) => `${one}-all`)), events: { count, at } };
}

/** The group that `logGroupName` or `logGroupIdentifier` (name or ARN without `:*`) names. */
export function groupOf(world: LogsWorld, call: Call): LogGroup {
  const name = textOf(call.params, "logGroupName");
  const identifier = textOf(call.params, "logGroupIdentifier");
  if ((name === null) === (identifier === null))
    throw new AwsRefusal("InvalidParameterException", "Exactly one of logGroupName and logGroupIdentifier is needed.");
  if (identifier?.endsWith("*")) throw new AwsRefusal("InvalidParameterException", "The ARN of a log group must not end in an asterisk.");
  const [, region = call.region, account = call.account, bare] = /^arn:aws:logs:([a-z0-9-]+):(\d{12}):log-group:(.+)$/.exec(identifier ?? "") ?? [];
  const wanted = bare ?? identifier ?? name;
  const group = world.groups.find(
    (one) => one.name === wanted && one.account === account && one.region === region && account === call.account && region === call.region,
  );
  if (group === undefined) throw new AwsRefusal("ResourceNotFoundException", "The specified log group does not exist.");
  return group;
}
