import { createHash } from "node:crypto";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Clock } from "../../../src/core/ports.ts";
import { printable } from "../../../src/core/printable.ts";
import type { FileOutcome, ManifestLine } from "../../../src/stream/archive-manifest.ts";
import { type Lines, madeEntry } from "../../../src/stream/archive.ts";
import type { TarEntry } from "../../../src/stream/tar.ts";
import type { CallName } from "../calls/calls.ts";
import type { Answer } from "../client/link.ts";

type AnswerNote = {
  readonly member: string;
  readonly call: CallName;
  /** What was asked about. */
  readonly path: string;
  readonly outcome?: FileOutcome;
  readonly reason?: string | null;
};

/** A service's answer as a member, byte for byte as it came over the wire. It was asked for with `keepWire`. */
export function answerEntry(clock: Clock, lines: Lines, answer: Answer<unknown>, note: AnswerNote): TarEntry {
  if (answer.wire === null) throw new HoldfastError("unexpected", `${note.call}: the answer's bytes were not kept`);
  const told: Lines = { add: (line) => lines.add({ ...line, ...calledAs(answer) }) };
  return bytesEntry(clock, told, answer.wire.bytes, { ...note, source: `api:${note.call}` });
}

/** How the provider's own log knows a call. */
export function calledAs({ requestId, date, wire }: Answer<unknown>): Pick<ManifestLine, "requestId" | "httpStatus" | "date"> {
  return {
    ...(requestId === "" ? {} : { requestId: printable(requestId) }),
    ...(wire === null ? {} : { httpStatus: wire.status }),
    ...(date === null ? {} : { date: printable(date) }),
  };
}

type BytesNote = Omit<AnswerNote, "call"> & { readonly source: string };

/** Bytes that are already here. */
export function bytesEntry(clock: Clock, lines: Lines, bytes: Uint8Array, { member, path, source, outcome = "collected", reason = null }: BytesNote): TarEntry {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  lines.add({
    path: printable(path),
    member: printable(member),
    type: "answer",
    source: printable(source),
    size: String(bytes.length),
    sha256,
    outcome,
    reason,
  });
  return madeEntry(member, bytes.length, once(bytes), clock);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** For answers that tell of settings: they are no records, and an exhibit that has nothing else has none. What lacks is a gap all the same. */
export function settingsLines(lines: Lines): Lines {
  return {
    add: (line) => lines.add(line.outcome === "collected" || line.outcome === "empty" ? { ...line, source: `derived:settings ${line.source}` } : line),
  };
}
