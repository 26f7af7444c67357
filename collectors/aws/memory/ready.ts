import { printable } from "../../../src/core/printable.ts";
import { parseIomem, type PhysicalRange } from "../../../src/stream/lime.ts";
import type { CommandEnd } from "./command-end.ts";
import type { GuestEnding } from "./guest.ts";
import { causeOf, isEnding } from "./words.ts";
import type { None } from "../client/refused.ts";

/** What the host says of itself before the dump. All of it is a claim of a host that may be in another's hands. */
export type Ready = {
  readonly directory: string;
  /** What it uploads with. */
  readonly http: string;
  /** Bytes of memory as the system counts it; null where it does not say. */
  readonly memory: number | null;
  /** `System RAM` as `start-end` in hex; empty where hidden, or too many to be told. */
  readonly ram: readonly string[];
  /** How many such ranges there are. */
  readonly ranges: number;
  /** DER (SPKI) of its one-time key in base64; null where it has no openssl that works. */
  readonly publicKey: string | null;
  /** Bytes free where the directory is. */
  readonly free: number;
  /** Whether the directory is a tmpfs of its own, as large as was asked. */
  readonly mounted: boolean;
  /** Kernel and lockdown for the report; printable. */
  readonly system: string;
};

export function readyOf(end: CommandEnd): Ready | None {
  if (end.kind === "broken") return none(end.how === "undelivered" ? "unavailable" : "failed", `memory: the preflight did not run: ${end.text}`);
  const fields = jsonOf(end.stdout);
  const word = fields?.["ended"];
  if (fields === null || fields["schema"] !== "holdfast.memory-preflight/1" || !isEnding(word))
    return none("failed", `memory: the preflight ended with ${end.code} and without its answer: ${printable((end.stdout || end.stderr).slice(0, 200))}`);
  if (word !== "ready") return notReady(word, fields);
  const directory = fields["directory"];
  const http = fields["http"];
  const key = fields["publicKey"];
  if (typeof directory !== "string" || typeof http !== "string" || !/^[a-z0-9]{1,20}$/.test(http))
    return none("failed", "memory: the preflight is ready and names no directory");
  const total = numberOf(fields["memTotalKb"]);
  const list: readonly unknown[] = Array.isArray(fields["ram"]) ? fields["ram"] : [];
  return {
    directory,
    http,
    memory: total === null ? null : total * 1024,
    ram: list.filter((one): one is string => typeof one === "string" && /^[0-9a-f]{1,16}-[0-9a-f]{1,16}$/.test(one)).slice(0, 1000),
    ranges: numberOf(fields["ranges"]) ?? 0,
    publicKey: typeof key === "string" && /^[A-Za-z0-9+/]{100,2000}=*$/.test(key) ? key : null,
    free: numberOf(fields["free"]) ?? 0,
    mounted: fields["mounted"] === true,
    system: [`kernel ${said(fields["kernel"])}`, ...(fields["lockdown"] === null ? [] : [`lockdown ${said(fields["lockdown"])}`])].join(", "),
  };
}

/** The map that the records are held against; null where there is none. */
export function ramOf({ ram, ranges }: Pick<Ready, "ram" | "ranges">): readonly PhysicalRange[] | null {
  return ram.length !== ranges ? null : parseIomem(ram.map((range) => `${range} : System RAM`).join("\n"));
}

function notReady(word: GuestEnding, fields: Readonly<Record<string, unknown>>): None {
  const cause = causeOf(word);
  const facts = [
    `kernel ${said(fields["kernel"])}`,
    `architecture ${said(fields["arch"])}`,
    `lockdown ${said(fields["lockdown"])}`,
    `programs ${said(fields["tools"])}`,
  ];
  return none(cause?.outcome ?? "failed", `memory: ${cause?.text ?? `the preflight says ${word}`} (${facts.join(", ")})`);
}

function none(outcome: None["outcome"], detail: string): None {
  return { kind: "none", outcome, detail };
}

/** The one line of JSON that a script prints; null for anything else. */
export function jsonOf(stdout: string): Readonly<Record<string, unknown>> | null {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function said(value: unknown): string {
  return typeof value === "string" && value !== "" ? printable(value.slice(0, 200)) : "not said";
}
