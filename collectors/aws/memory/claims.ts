import { printable } from "../../../src/core/printable.ts";
import type { CommandEnd } from "./command-end.ts";
import type { GuestEnding } from "./guest.ts";
import { jsonOf, numberOf } from "./ready.ts";
import { causeOf, isEnding } from "./words.ts";

/** What the dump's script said of its work. */
export type Claims = {
  readonly ended: GuestEnding;
  readonly parts: number;
  readonly bytes: number;
  /** Of all that it sent; null where it did not come to the end. */
  readonly sha256: string | null;
  /** Of the tool's file after it ran; null where it never ran. */
  readonly tool: string | null;
  /** Whether its directory could not be removed. */
  readonly left: boolean;
  readonly said: string;
};

/** How a dump ended: `problem` is null where the script came to its end and says that all is well. */
export type DumpEnd = {
  readonly problem: string | null;
  readonly claims: Claims | null;
  /** RFC 3339. */
  readonly at: string;
  /** Whether another attempt may do better: it ended for want of links, or because it was stopped from here. */
  readonly again: boolean;
};

export function dumpEnd(end: CommandEnd, at: string): DumpEnd {
  const claims = claimsOf(end.stdout);
  if (end.kind === "broken") return { problem: end.text, claims, at, again: end.how === "cancelled" };
  if (claims === null)
    return {
      problem: `the script ended with ${end.code} and without its answer: ${printable((end.stdout || end.stderr).slice(0, 200))}`,
      claims,
      at,
      again: false,
    };
  const cause = causeOf(claims.ended);
  const said = claims.said === "" ? "" : `: ${claims.said}`;
  const whole = claims.ended === "dumped";
  return {
    problem: whole ? null : `${cause?.text ?? `the script ended with ${claims.ended}`}${said}`,
    claims,
    at,
    again: claims.ended === "tickets-ran-out" || claims.ended === "interrupted",
  };
}

function claimsOf(stdout: string): Claims | null {
  const fields = jsonOf(stdout);
  const ended = fields?.["ended"];
  if (fields === null || fields["schema"] !== "holdfast.memory-dump/1" || !isEnding(ended)) return null;
  const said = fields["said"];
  return {
    ended,
    parts: numberOf(fields["parts"]) ?? 0,
    bytes: numberOf(fields["bytes"]) ?? 0,
    sha256: digestOf(fields["sha256"]),
    tool: digestOf(fields["toolSha256"]),
    left: fields["left"] !== false,
    said: typeof said === "string" ? printable(said.slice(0, 300)).trim() : "",
  };
}

function digestOf(value: unknown): string | null {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? value : null;
}
