import { createHash } from "node:crypto";
import type { AwsRefusal, Params } from "./service.ts";

/** Where a listing goes on. `asOf` keeps a listing steady while new things arrive (milliseconds). */
export type Place = { readonly at: number; readonly empties: number; readonly asOf: number };

/** A token belongs to the request it was given for: AWS refuses one that comes back with other parameters. */
export function tokenFor(place: Place, request: string): string {
  const text = JSON.stringify([request, place.at, place.empties, place.asOf]);
  return Buffer.from(JSON.stringify([text, seal(text)])).toString("base64url");
}

export function placeOf(token: string | null, request: string, now: Date, bad: () => AwsRefusal): Place {
  if (token === null) return { at: 0, empties: 0, asOf: now.getTime() };
  const parts = parsed(Buffer.from(token, "base64url").toString("utf8"));
  const [text, sum] = Array.isArray(parts) ? parts : [];
  if (typeof text !== "string" || sum !== seal(text)) throw bad();
  const [given, at, empties, asOf]: unknown[] = JSON.parse(text);
  if (given !== request || typeof at !== "number" || typeof empties !== "number" || typeof asOf !== "number") throw bad();
  return { at, empties, asOf };
}

export type PageRequest = {
  readonly size: number;
  readonly token: string | null;
  /** From `requestOf`. */
  readonly request: string;
  readonly now: Date;
  readonly bad: () => AwsRefusal;
  /** So many empty pages with a token before each page that holds something. */
  readonly empties?: number;
};

export function pageOf<T>(
  all: (asOf: Date) => readonly T[],
  { size, token, request, now, bad, empties = 0 }: PageRequest,
): { items: readonly T[]; next: string | null } {
  const place = placeOf(token, request, now, bad);
  const items = all(new Date(place.asOf));
  if (place.empties < empties) return { items: [], next: tokenFor({ ...place, empties: place.empties + 1 }, request) };
  const end = place.at + size;
  return { items: items.slice(place.at, end), next: end < items.length ? tokenFor({ at: end, empties: 0, asOf: place.asOf }, request) : null };
}

/** What a token is bound to: the account, the place and every parameter but the token itself. */
export function requestOf(
  call: { readonly operation: string; readonly account: string; readonly region: string; readonly params: Params },
  tokenName: string,
): string {
  const rest = Object.entries(call.params).filter(([name]) => name !== tokenName);
  return seal(JSON.stringify([call.operation, call.account, call.region, rest.sort()]));
}

function seal(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
