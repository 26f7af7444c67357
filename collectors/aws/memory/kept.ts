import type { Json } from "../../../src/core/act.ts";
import type { DumpEnd } from "./claims.ts";
import type { Ready } from "./ready.ts";

/** What the memory step keeps over a crash. No link and no key ever stands in it. */
export type MemoryKept = {
  readonly schema: "holdfast.memory-step/1";
  /** Names the host's directory and the commands. */
  readonly token: string;
  readonly system: "linux" | "windows";
  /** SHA-256 of the tool that was pinned when it began. */
  readonly tool: string;
  /** Whether it replaces an attempt that ended: what that one uploaded belongs to another image. */
  readonly replaces: boolean;
  /** The preflight that was sent, or was about to be. */
  readonly asked: string | null;
  readonly ready: Ready | null;
  readonly partSize: number;
  /** Set before the dump's command is sent. RFC 3339. */
  readonly began: string | null;
  readonly command: string | null;
  /** The last batch of links that the host has, the last part that it has a link for, and when the youngest lapse. */
  readonly batch: number;
  readonly issued: number;
  readonly lapse: { readonly from: string; readonly until: string } | null;
  readonly end: DumpEnd | null;
};

export function newKept(token: string, system: MemoryKept["system"], tool: string, replaces: boolean): MemoryKept {
  return {
    schema: "holdfast.memory-step/1",
    token,
    system,
    tool,
    replaces,
    asked: null,
    ready: null,
    partSize: 0,
    began: null,
    command: null,
    batch: -1,
    issued: 0,
    lapse: null,
    end: null,
  };
}

/** What an attempt has done so far, durable after each change. */
export type Progress = { get(): MemoryKept; set(change: Partial<MemoryKept>): void };

export function progressOf(kept: MemoryKept, remember: (value: Json) => void): Progress {
  let now = kept;
  return {
    get: () => now,
    set(change) {
      now = { ...now, ...change };
      remember(now as Json); // plain data, all of it
    },
  };
}
