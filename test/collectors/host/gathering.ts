import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { expect } from "vitest";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import type { Place } from "../../../collectors/host/place.ts";
import type { Opened, StepContext } from "../../../src/core/collector.ts";
import type { SourceReport, StreamSource } from "../../../src/core/source.ts";
import type { Window } from "../../../src/core/window.ts";

export const signal: AbortSignal = new AbortController().signal;
export const window: Window = { since: "2020-01-01T00:00:00.000Z", until: "2099-01-01T00:00:00.000Z" };

export function temporary(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "holdfast-host-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A step outside any collection. */
export const nowhere: StepContext = {
  case: "C",
  collection: "none",
  exhibit: null,
  retainUntil: "2099-01-01T00:00:00Z",
  legalHold: false,
  earlier: () => null,
  remembered: () => null,
  remember: () => undefined,
  record: () => Promise.resolve(),
};

export function placeAt(root: string, over: Partial<Place> = {}): Place {
  return { root, clock: () => new Date(), platform: "linux", arch: "x64", uid: process.getuid?.() ?? 0, avml: null, ...over };
}

export function streamOf(opened: Opened): StreamSource {
  if (opened.kind !== "source") throw new Error(`nothing was opened: ${JSON.stringify(opened)}`);
  if (opened.source.kind !== "stream") throw new Error("a stream was expected");
  return opened.source;
}

export type Gathered = {
  readonly report: SourceReport;
  readonly lines: readonly ManifestLine[];
  readonly listing: readonly string[];
  read(member: string): Buffer;
  readonly archive: string;
  readonly directory: string;
};

/** Runs a source to its end and looks at the archive with GNU tar, not with code of this project. */
export async function gather(source: StreamSource, into: string): Promise<Gathered> {
  const directory = mkdtempSync(join(into, "archive-"));
  const archive = join(directory, "a.tar");
  const out = createWriteStream(archive);
  for await (const piece of source.bytes(signal)) if (!out.write(piece)) await new Promise<void>((resolve) => out.once("drain", () => resolve()));
  out.end();
  await finished(out);
  const report = source.report();
  await source.close();
  const listing = tar("-tf", archive).toString("latin1").trimEnd().split("\n");
  const read = (member: string): Buffer => tar("-xOf", archive, member);
  const lines = read("manifest.jsonl")
    .toString()
    .trimEnd()
    .split("\n")
    .map((line): ManifestLine => JSON.parse(line));
  return { report, lines, listing, read, archive, directory };
}

/** Unpacks with GNU tar; the digests of the manifest must be those of the files that come out. */
export function unpackAndCompare(gathered: Gathered): number {
  const out = join(gathered.directory, "out");
  mkdirSync(out);
  tar("-xf", gathered.archive, "-C", out, "--no-same-owner", "--no-same-permissions", "--mode=u+rw", "--exclude=proc/self");
  let compared = 0;
  for (const line of gathered.lines) {
    if (line.member === null || line.sha256 === null || line.paddedTo !== undefined) continue;
    const name = line.pathBase64 === undefined ? Buffer.from(line.member) : Buffer.concat([Buffer.from("root"), Buffer.from(line.pathBase64, "base64")]);
    const path = Buffer.concat([Buffer.from(`${out}/`), name]);
    expect(existsSync(path)).toBe(true);
    expect(createHash("sha256").update(readFileSync(path)).digest("hex")).toBe(line.sha256);
    compared += 1;
  }
  return compared;
}

export function lineOf(gathered: Gathered, path: string): ManifestLine {
  const found = gathered.lines.filter((line) => line.path === path);
  expect(found.map((line) => line.path)).toEqual([path]);
  return found[0] as ManifestLine;
}

export function tar(...args: readonly string[]): Buffer {
  return execFileSync("tar", args, { env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" }, stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 30 });
}

export function makeParent(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  return path;
}
