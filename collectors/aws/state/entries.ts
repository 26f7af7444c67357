import { describeError, HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Lines } from "../../../src/stream/archive.ts";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import { bytesEntry, calledAs } from "../logs/answer-entry.ts";
import type { Aws } from "../aws.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";
import { type Refused, wordsOf } from "../client/refused.ts";
import type { StateCall, StatePage } from "./call.ts";

/** One service that gives no answer must not cost all others theirs; where so many in a row are silent, it is the way that is broken. */
const silentAtMost = 3;

/**
 * Asks, in order, each call followed by what its answer leads to, so that the same account gives the same members. Each answer is a
 * member with its wire bytes, one in memory at a time. Whatever was asked and not answered has its line.
 */
export async function* stateEntries(
  aws: Aws,
  calls: Iterable<StateCall> | AsyncIterable<StateCall>,
  lines: Lines,
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  const asked = new Set<string>();
  const silent: HoldfastError[] = [];
  let number = 0;

  async function* taken(call: StateCall, { answer, derived }: StatePage): AsyncGenerator<TarEntry> {
    if (answer.kind === "refused") return lines.add(refusal(aws, call, answer));
    const { wire } = answer;
    if (wire === null) throw new HoldfastError("unexpected", `${call.name}: the answer's bytes were not kept; report this`);
    number += 1;
    const member = `calls/${String(number).padStart(3, "0")}-${call.name.replace(":", "-")}.${endingOf(wire.bytes)}`;
    const told: Lines = { add: (line) => lines.add({ ...line, ...calledAs(answer) }) };
    yield entry(aws, told, member, wire.bytes, sourceOf(aws, call));
    for (const one of derived) yield entry(aws, lines, `derived/${one.member}`, one.bytes, `derived:${member}`);
  }

  for await (const first of calls) {
    const open = [first];
    for (let call = open.pop(); call !== undefined; call = open.pop()) {
      signal.throwIfAborted();
      const key = JSON.stringify([call.name, call.region ?? aws.link.region, call.input]);
      if (asked.has(key)) {
        // A token that comes again would lead round for ever: what lies behind it is missing.
        if (call.continues) lines.add(lack(aws, call, "truncated", "the service gave a page token that it had given before: the pages behind it are missing"));
        continue;
      }
      asked.add(key);
      const page = await call.ask(aws, signal).catch((error: unknown) => unanswered(error, silent, signal));
      if (page instanceof HoldfastError) {
        lines.add(lack(aws, call, "failed", describeError(page)));
        continue;
      }
      silent.length = 0;
      yield* taken(call, page);
      const instead = page.answer.kind === "refused" && isNone(call, page.answer) ? (call.none?.instead ?? []) : [];
      open.push(...[...instead, ...page.leads].toReversed());
    }
  }
}

/** A call that got no answer is a gap; ended credentials, an abort and a broken way are no property of the call. */
function unanswered(error: unknown, silent: HoldfastError[], signal: AbortSignal): HoldfastError {
  signal.throwIfAborted();
  if (!(error instanceof HoldfastError) || (error.code !== "unreachable" && error.code !== "unexpected")) throw error;
  silent.push(error);
  if (silent.length >= silentAtMost) throw error;
  return error;
}

function entry(aws: Aws, lines: Lines, member: string, bytes: Uint8Array, source: string): TarEntry {
  return bytesEntry(aws.clock, lines, bytes, { member, path: member, source, outcome: bytes.length === 0 ? "empty" : "collected" });
}

function refusal(aws: Aws, call: StateCall, refused: Refused): ManifestLine {
  const line = refusedLine(callText(call), refused);
  const said = isNone(call, refused) ? { outcome: "absent" as const, reason: `${call.none?.means ?? ""} (${wordsOf(refused)})` } : {};
  return { ...line, ...said, source: sourceOf(aws, call) };
}

function isNone(call: StateCall, { code }: Refused): boolean {
  return call.none?.codes.includes(code) === true;
}

function lack(aws: Aws, call: StateCall, outcome: ManifestLine["outcome"], reason: string): ManifestLine {
  return lackLine(callText(call), sourceOf(aws, call), outcome, reason);
}

function sourceOf(aws: Aws, call: StateCall): string {
  return `api:${call.name} ${call.region ?? aws.link.region} ${printable(JSON.stringify(call.input))}`;
}

function callText({ name, input }: StateCall): string {
  return printable(`${name} ${JSON.stringify(input)}`);
}

/** What the bytes are and not what a header says of them. */
function endingOf(bytes: Uint8Array): "xml" | "json" | "bin" {
  const first = bytes.find((byte) => byte > 0x20);
  return first === 0x3c ? "xml" : first === 0x7b || first === 0x5b ? "json" : "bin";
}
