import { createColors } from "picocolors";

/** Where data and everything else go. Data is the only thing on stdout; with --json it is one document. */
export type Output = {
  readonly json: boolean;
  readonly jsonl: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether stderr is a terminal that may be redrawn. */
  readonly live: boolean;
  readonly columns: number;
  readonly paint: ReturnType<typeof createColors>;
  data(text: string): void;
  say(text: string): void;
};

export type OutputWishes = {
  readonly json: boolean;
  readonly jsonl: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
};

export function createOutput(wishes: OutputWishes, stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream, dumb: boolean): Output {
  const live = stderr.isTTY === true && !dumb;
  return {
    json: wishes.json,
    jsonl: wishes.jsonl,
    quiet: wishes.quiet,
    verbose: wishes.verbose,
    live,
    columns: stderr.columns || 80,
    paint: createColors(wishes.color && stderr.isTTY === true && !dumb),
    data: (text) => void stdout.write(`${text}\n`),
    say: (text) => {
      if (!wishes.quiet) stderr.write(`${text}\n`);
    },
  };
}

/** Prints a document as contract.md says: one object with --json, one a line of its list with --jsonl, else what `human` says. */
export function present(output: Output, document: { readonly schema: string }, list: readonly unknown[] | null, human: () => readonly string[]): void {
  if (output.jsonl) for (const item of list ?? [document]) output.data(JSON.stringify(item));
  else if (output.json) output.data(JSON.stringify(document));
  else for (const line of human()) output.data(line);
}

/** 1234567 → `1.23 MB`; decimal units, as disks are sold. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit] ?? ""}`;
}

export function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  "));
}
