import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline, type Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { promisify } from "node:util";
import { createGunzip, gunzip } from "node:zlib";
import { describeError, HoldfastError } from "../core/error.ts";
import type { LoggedCall } from "../core/reconcile-report.ts";
import { parseAccessLogLine } from "./access-log-line.ts";
import { parseTrailRecord } from "./trail-record.ts";

export type LogEntry =
  | { readonly kind: "file" }
  | { readonly kind: "call"; readonly call: LoggedCall }
  /** A line or event that is read and is about no object of S3. */
  | { readonly kind: "other" }
  | { readonly kind: "unreadable"; readonly where: string };

/**
 * Every call in a folder of downloaded logs, file by file: CloudTrail files by their name (`.json`, `.json.gz`), everything else
 * line by line as S3 server access logs. A file that cannot be read is told and hides none of the others. Throws `usage` for no folder.
 */
export async function* readAccessLogs(folder: string, signal: AbortSignal): AsyncGenerator<LogEntry> {
  let names: readonly string[];
  try {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    names = found.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  } catch (error) {
    throw new HoldfastError("usage", `--logs: ${folder} is no folder that can be read; download the vault's access logs into one`, error);
  }
  for (const name of [...names].sort()) {
    signal.throwIfAborted();
    yield { kind: "file" };
    try {
      if (/\.json(\.gz)?$/.test(name)) yield* trailFile(join(folder, name), name);
      else yield* lines(join(folder, name), name, signal);
    } catch (error) {
      signal.throwIfAborted();
      yield { kind: "unreadable", where: `${name}: ${describeError(error)}` };
    }
  }
}

async function* lines(path: string, name: string, signal: AbortSignal): AsyncGenerator<LogEntry> {
  const file = createReadStream(path, { signal });
  const bytes: AsyncIterable<Buffer> = path.endsWith(".gz") ? unzipped(file) : file;
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
function unzipped(file: Readable): AsyncIterable<Buffer> {
  return pipeline(file, createGunzip(), () => undefined);
}

/** Characters. */
const longestLine = 1 << 20;

function* lineEntry(line: string, name: string, number: number): Generator<LogEntry> {
  if (line.trim() === "") return;
  const call = parseAccessLogLine(line, `${name}:${number}`);
  yield call === null ? { kind: "unreadable", where: `${name}:${number}` } : { kind: "call", call };
}

/** CloudTrail cuts its files small (some MB): one at a time is held in memory. */
async function* trailFile(path: string, name: string): AsyncGenerator<LogEntry> {
  const bytes = await readFile(path);
  const value: unknown = JSON.parse((path.endsWith(".gz") ? await promisify(gunzip)(bytes) : bytes).toString("utf8"));
  const records: unknown = typeof value === "object" && value !== null && "Records" in value ? value.Records : null;
  if (!Array.isArray(records)) throw new HoldfastError("unverifiable", "it has no Records, and is no CloudTrail file");
  for (const [i, record] of records.entries()) {
    const call = parseTrailRecord(record, `${name}#${i}`);
    yield call === "unreadable" ? { kind: "unreadable", where: `${name}#${i}` } : call === null ? { kind: "other" } : { kind: "call", call };
  }
}
