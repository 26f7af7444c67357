import type { GuestOrder } from "./commands.ts";
import { linuxPlaces } from "./guest.ts";
import { memoryPreflightScript } from "./preflight-script.ts";
import type { MemoryKept } from "./kept.ts";
import type { Ready } from "./ready.ts";
import { memoryScript } from "./script.ts";
import { windowsDirectory } from "./windows-guest.ts";
import { windowsPreflightScript } from "./windows-preflight-script.ts";
import { windowsMemoryScript } from "./windows-script.ts";
import { windowsCleanupScript, windowsDropScript } from "./windows-ticket-script.ts";
import { checkedDirectory, memoryCleanupScript, memoryDropScript } from "./ticket-script.ts";

export type DumpOrder = {
  readonly token: string;
  readonly ready: Ready;
  readonly tool: { readonly bytes: number; readonly sha256: string };
  readonly partSize: number;
  readonly batch: string;
};

/** The scripts for one operating system. They speak one language: tickets in, one line of JSON out. */
export type MemorySystem = {
  readonly document: GuestOrder["document"];
  /** The name under which the tool is offered. */
  readonly tool: string;
  readonly name: string;
  readonly mediaType: string;
  /** LiME records can be walked; a raw image has no form that says whether it is whole. */
  readonly form: "lime" | "raw";
  preflight(token: string, needBytes: number): string;
  /** Throws TypeError where the host's answer is not what the preflight could have said. */
  dump(order: DumpOrder): string;
  drop(token: string, ready: Ready, number: number, batch: string): string;
  cleanup(token: string): string;
};

/** Seconds that the script waits for new links, and between two looks. */
const patience = 1800;
const poll = 2;
const tries = 6;

const linuxMemory: MemorySystem = {
  document: "AWS-RunShellScript",
  tool: "avml",
  name: "memory.lime",
  mediaType: "application/x-lime",
  form: "lime",
  preflight: (token, needBytes) => memoryPreflightScript({ token, needBytes, places: linuxPlaces }),
  dump({ token, ready, ...order }) {
    const { http } = ready;
    if (http !== "curl" && http !== "wget" && http !== "python3") throw new TypeError(`no HTTP client of ours: ${JSON.stringify(http)}`);
    return memoryScript({ ...order, token, directory: ready.directory, http, tries, patience, poll, places: linuxPlaces });
  },
  drop: (token, ready, number, batch) =>
    memoryDropScript({ token, directory: checkedDirectory(ready.directory, token, linuxPlaces), number, batch, places: linuxPlaces }),
  cleanup: (token) => memoryCleanupScript(token, linuxPlaces),
};

const windowsMemory: MemorySystem = {
  document: "AWS-RunPowerShellScript",
  tool: "winpmem.exe",
  name: "memory.raw",
  mediaType: "application/octet-stream",
  form: "raw",
  preflight: windowsPreflightScript,
  dump({ ready, ...order }) {
    if (ready.directory !== windowsDirectory(order.token)) throw new TypeError(`not a directory of this step: ${JSON.stringify(ready.directory)}`);
    return windowsMemoryScript({ ...order, tries, patience, poll });
  },
  drop: (token, _ready, number, batch) => windowsDropScript(token, number, batch),
  cleanup: windowsCleanupScript,
};

export const memorySystems: Readonly<Record<MemoryKept["system"], MemorySystem>> = { linux: linuxMemory, windows: windowsMemory };
