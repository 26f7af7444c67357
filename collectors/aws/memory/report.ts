import type { Gap } from "../../../src/core/outcome.ts";
import type { SourceReport } from "../../../src/core/source.ts";
import type { LimeFindings, PhysicalRange } from "../../../src/stream/lime.ts";
import type { DumpEnd } from "./claims.ts";
import type { MemoryKept } from "./kept.ts";
import { ramOf } from "./ready.ts";

/** What is known of a dump once its bytes were read from the vault. */
export type MemoryFacts = {
  readonly kept: MemoryKept;
  readonly end: DumpEnd;
  /** Null for an image that has no form to be walked. */
  readonly walked: LimeFindings | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly pinned: string;
};

/** The host's claims against what landed, and the image against the host's own map. */
export function memoryReport(facts: MemoryFacts): SourceReport {
  const { kept, end, walked, bytes } = facts;
  const missing = walked === null || end.problem === null ? [] : rangesBehind(kept.ready === null ? null : ramOf(kept.ready), walked.records);
  const unproven = walked === null || bytes === 0 ? null : mapProblem(facts);
  const problems = [
    ...(end.problem === null ? [] : [end.problem]),
    ...disagreements(facts),
    ...(unproven === null ? [] : [unproven]),
    ...(bytes === 0 ? [] : (walked?.problems ?? rawProblems(facts))),
  ];
  const outcome = problems.length === 0 ? "collected" : bytes === 0 ? "failed" : "truncated";
  const gapOutcome = bytes === 0 ? ("failed" as const) : ("truncated" as const);
  const gaps: readonly Gap[] = [
    ...missing.map((range) => ({ what: `memory ${hex(range)}`, outcome: gapOutcome, reason: "behind the last whole record" })),
    ...problems.map((reason) => ({ what: "memory", outcome: gapOutcome, reason })),
  ];
  return {
    outcome,
    detail: [...problems.slice(0, 20), ...notes(facts)].join("; "),
    coverage: { asked: null, got: kept.began === null || bytes === 0 ? null : { since: kept.began, until: end.at }, gaps: gaps.slice(0, 1000) },
    files: null,
    bad: [],
  };
}

function disagreements({ end, bytes, sha256, pinned }: MemoryFacts): readonly string[] {
  const { claims } = end;
  if (claims === null) return [];
  return [
    ...(claims.bytes === bytes ? [] : [`the host says that it sent ${claims.bytes} bytes, ${bytes} are in the vault`]),
    ...(claims.sha256 === null || claims.sha256 === sha256
      ? []
      : [`the host says that it sent bytes with SHA-256 ${claims.sha256}, those in the vault have ${sha256}`]),
    ...(claims.tool === null || claims.tool === pinned ? [] : [`the tool's file on the host had SHA-256 ${claims.tool}, pinned is ${pinned}`]),
  ];
}

/** A raw image begins at address 0 and has zeros where there is no memory: it is no smaller than the memory. */
function rawProblems({ kept, bytes }: MemoryFacts): readonly string[] {
  const memory = kept.ready?.memory ?? null;
  return memory === null || bytes >= memory ? [] : [`the raw image has ${bytes} bytes, the host has ${memory} of memory`];
}

/** The script runs as root, from whom the kernel hides no map: a host that shows none could end its memory where it likes. */
function mapProblem({ kept: { ready } }: MemoryFacts): string | null {
  if (ready === null || ramOf(ready) !== null) return null;
  const why = ready.ranges > ready.ram.length ? `its ${ready.ranges} ranges are too many to be told` : "the host shows it to nobody, root included";
  return `not held against /proc/iomem (${why}): nothing says whether the image is whole`;
}

function notes({ kept, end, walked }: MemoryFacts): readonly string[] {
  const { ready } = kept;
  const ram = ready === null ? null : ramOf(ready);
  const known = ram?.reduce((sum, range) => sum + range.end - range.start + 1n, 0n);
  return [
    ...(walked === null
      ? ["a raw image, whose form does not say whether it is whole"]
      : [`${walked.records.length} records with ${walked.bytes} bytes of memory; blocks of zeros are left out`]),
    ...(walked === null || known === undefined ? [] : [`held against ${known} bytes of System RAM in the host's own /proc/iomem`]),
    ...(ready === null ? [] : [ready.system]),
    ...(end.claims?.tool === null || end.claims === null ? [] : [`memory tool as executed, by the host's word: SHA-256 ${end.claims.tool}`]),
    ...(ready?.publicKey === null ? ["the upload links stood in the command unsealed until they lapsed"] : []),
    ...(end.claims?.left === true ? ["the host could not remove its directory; `holdfast cleanup` tries again"] : []),
  ];
}

/** What of the map lies behind the last record: the tool goes upwards, so that only blocks of zeros are missing before it. */
function rangesBehind(ram: readonly PhysicalRange[] | null, records: readonly PhysicalRange[]): readonly PhysicalRange[] {
  const last = records.reduce((top, { end }) => bigger(top, end), -1n);
  return (ram ?? []).flatMap(({ start, end }) => (end <= last ? [] : [{ start: bigger(start, last + 1n), end }]));
}

function hex({ start, end }: PhysicalRange): string {
  return `${start.toString(16)}-${end.toString(16)}`;
}

/** Math.max takes no bigint. */
function bigger(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}
