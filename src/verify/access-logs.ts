import { pipeline, Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { promisify } from "node:util";
import { createGunzip, gunzip } from "node:zlib";
import { describeError, HoldfastError } from "../core/error.ts";
import type { LoggedCall } from "../core/reconcile-report.ts";
import { parseAccessLogLine } from "./access-log-line.ts";
import type { LogFile } from "./log-files.ts";
import { parseTrailRecord } from "./trail-record.ts";

export type LogEntry =
  | { readonly kind: "file" }
  | { readonly kind: "call"; readonly call: LoggedCall }
  /** A line or event that is read and is about no object of S3. */
  | { readonly kind: "other" }
  | { readonly kind: "unreadable"; readonly where: string };

/**
 * Every call in these logs, file by file: CloudTrail files by their name (`.json`, `.json.gz`), everything else line by line as S3
 * server access logs. A file that cannot be read is told and hides none of the others. Rejects as the list of files does.
 */
export async function* readAccessLogs(files: AsyncIterable<LogFile>, signal: AbortSignal): AsyncGenerator<LogEntry> {
  for await (const file of files) {
    signal.throwIfAborted();
    // CloudTrail's signed digests lie beside its logs and hold no calls.
    if (/(^|\/)CloudTrail-Digest\//.test(file.name)) continue;
    yield { kind: "file" };
    try {
      if (/\.json(\.gz)?$/.test(file.name)) yield* trailFile(file);
      else yield* lines(file);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HoldfastError && error.code === "paused") throw error;
      yield { kind: "unreadable", where: `${file.name}: ${describeError(error)}` };
    }
  }
}

async function* lines({ name, open }: LogFile): AsyncGenerator<LogEntry> {
  const bytes: AsyncIterable<Uint8Array> = name.endsWith(".gz") ? unzipped(open()) : open();
  const text = new StringDecoder("utf8");
  let number = 0;
  let rest = "";
  for await (const chunk of bytes) {
    const split = (rest + text.write(chunk)).split("\n");
    rest = split.pop() ?? "";
    // A record is a few kilobytes; what has no end is none, and is not kept in memory.
    if (rest.length > longestLine) throw new HoldfastError("unverifiable", `line ${number + split.length + 1} does not end: this is no access log`);
    for (const line of split) yield* lineEntry(line, name, ++number);
  }
  yield* lineEntry(rest + text.end(), name, ++number);
}

/** Whatever fails on the way is thrown to who reads. */
function unzipped(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  return pipeline(Readable.from(bytes), createGunzip(), () => undefined);
}

/** Characters. */
const longestLine = 1 << 20;

function* lineEntry(line: string, name: string, number: number): Generator<LogEntry> {
  if (line.trim() === "") return;
  const call = parseAccessLogLine(line, `${name}:${number}`);
  yield call === null ? { kind: "unreadable", where: `${name}:${number}` } : { kind: "call", call };
}

/** CloudTrail cuts its files small (some MB): one at a time is held in memory, and nothing larger is believed to be one. Bytes. */
const largestTrailFile = 1 << 28;

async function* trailFile({ name, open }: LogFile): AsyncGenerator<LogEntry> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of open()) {
    size += chunk.length;
    if (size > largestTrailFile) throw new HoldfastError("unverifiable", `it is larger than ${largestTrailFile} bytes, and is no CloudTrail file`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const text = (name.endsWith(".gz") ? await promisify(gunzip)(bytes, { maxOutputLength: largestTrailFile }) : bytes).toString("utf8");
  const value: unknown = JSON.parse(text);
  const records: unknown = typeof value === "object" && value !== null && "Records" in value ? value.Records : null;
  if (!Array.isArray(records)) throw new HoldfastError("unverifiable", "it has no Records, and is no CloudTrail file");
  for (const [i, record] of records.entries()) {
    const call = parseTrailRecord(record, `${name}#${i}`);
    yield call === "unreadable" ? { kind: "unreadable", where: `${name}#${i}` } : call === null ? { kind: "other" } : { kind: "call", call };
  }
}
