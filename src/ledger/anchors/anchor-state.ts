import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HoldfastError, systemCode } from "../../core/error.ts";
import type { LedgerPaths } from "../store/paths.ts";

/** How it went with one anchor, for people and for the next try. It proves nothing: a lost or wrong file only makes us ask again. */
export type AnchorState = {
  /** The size that it vouched for last, and when; null where it never did. */
  readonly size: number | null;
  readonly time: string | null;
  /** When it was asked last. */
  readonly tried: string;
  /** What is wrong with it, and since when; null where nothing is. */
  readonly trouble: AnchorTrouble | null;
};
export type AnchorTrouble = { readonly kind: "rollback" | "fork" | "misconfigured" | "broken"; readonly text: string; readonly since: string };
export type AnchorStates = Readonly<Record<string, AnchorState>>;

const fileOf = (paths: LedgerPaths): string => join(dirname(paths.ledger), "anchors.json");

/** None where the file is not there, or is not ours to understand. */
export function readAnchorStates(paths: LedgerPaths): AnchorStates {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(fileOf(paths), "utf8"));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw new HoldfastError("ledger", `${fileOf(paths)} cannot be read; check its rights`, error);
  }
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).flatMap(([name, state]) => (isState(state) ? [[name, state]] : [])));
}

/** Whole or not at all. Two processes at once: the later one's word stands. */
export function writeAnchorStates(paths: LedgerPaths, states: AnchorStates): void {
  const file = fileOf(paths);
  const part = `${file}.${process.pid}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(states, null, 2)}\n`, { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    throw new HoldfastError(
      "ledger",
      `${file} cannot be written, so how it went with the anchors is not remembered; see that its disk has room and may be written`,
      error,
    );
  }
}

function isState(value: unknown): value is AnchorState {
  return (
    isRecord(value) &&
    (value["size"] === null || Number.isSafeInteger(value["size"])) &&
    (value["time"] === null || typeof value["time"] === "string") &&
    typeof value["tried"] === "string" &&
    (value["trouble"] === null || isTrouble(value["trouble"]))
  );
}

function isTrouble(value: unknown): value is AnchorTrouble {
  return (
    isRecord(value) &&
    ["rollback", "fork", "misconfigured", "broken"].includes(String(value["kind"])) &&
    typeof value["text"] === "string" &&
    typeof value["since"] === "string"
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
