import type { Json } from "../../../src/core/act.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Face } from "./interfaces.ts";
import type { No } from "./no.ts";
import type { Way } from "./way.ts";

/** What the network was like before, kept with the step; the ways are those that the act leaves open, by VPC. */
export type NetworkBefore = No | { readonly kind: "network"; readonly faces: readonly Face[]; readonly ways: Readonly<Record<string, Way>> };

/** Groups by interface: what undo puts back. */
export type GroupsOf = Readonly<Record<string, readonly string[]>>;

type Fields = { readonly [key: string]: Json };

/** Reads our own row back. Rejects with `unexpected` where it is not one. */
export function parseNetworkBefore(before: Json): NetworkBefore {
  const { kind, faces, ways, ...rest } = fields(before);
  if (kind === "no") return parseNo(before);
  if (kind !== "network" || !Array.isArray(faces) || Object.keys(rest).length > 0) throw bad("the network");
  return { kind, faces: faces.map(parseFace), ways: Object.fromEntries(Object.entries(fields(ways ?? null)).map(([vpc, way]) => [vpc, parseWay(way)])) };
}

export function parseNo(value: Json): No {
  const { kind, outcome, text } = fields(value);
  if (kind !== "no" || (outcome !== "denied" && outcome !== "unavailable" && outcome !== "failed") || typeof text !== "string") throw bad("a refusal");
  return { kind, outcome, text };
}

/** What an act replaced that was not there before (its result, or what it remembered); empty where there is none. */
export function parseGroupsOf(value: Json | undefined): GroupsOf {
  if (value === null || value === undefined) return {};
  return Object.fromEntries(Object.entries(fields(value)).map(([face, groups]) => [face, texts(groups)]));
}

/** The ids of the groups that isolation made, from its result; empty where there is none. */
export function parseMade(result: Json): ReadonlySet<string> {
  const groups = result === null ? null : (fields(result)["groups"] ?? null);
  if (groups === null) return new Set();
  const made = Object.values(fields(groups)).map(fields);
  return new Set(made.flatMap(({ cut, stay }) => texts([cut, ...texts(stay)])));
}

export function fields(value: Json): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("a containment");
  return value as Fields; // an object of JSON values
}

export function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === "string")) throw bad("a list of names");
  return value;
}

function parseFace(value: Json): Face {
  const { id, vpc, groups, fixed, trunk } = fields(value);
  if (typeof id !== "string" || typeof vpc !== "string" || (fixed !== null && typeof fixed !== "string") || typeof trunk !== "boolean")
    throw bad("an interface");
  return { id, vpc, groups: texts(groups), fixed, trunk };
}

function parseWay(value: Json): Way {
  const { kind, ssm, s3, why } = fields(value);
  if (kind === "closed") return { kind };
  if (kind === "endpoints") return { kind, ssm: texts(ssm), s3: texts(s3) };
  if (kind === "internet" && typeof why === "string") return { kind, why };
  throw bad("a way");
}

export function bad(what: string): HoldfastError {
  return new HoldfastError("unexpected", `the journal holds ${what} that containment did not write; report this`);
}
