import { access } from "node:fs/promises";
import type { Opened } from "../../src/core/collector.ts";
import { systemCode } from "../../src/core/error.ts";
import { onPlace, type Place } from "./place.ts";
import { textOrNull } from "./read-or-null.ts";

/** Whether the whole memory can be had, before anything is started: a refusal known beforehand is a finding, not a failure. */
export type MemoryLook =
  | { readonly kind: "ready"; readonly tool: { readonly path: string; readonly sha256: string }; readonly estimate: number | null }
  | Extract<Opened, { kind: "none" }>;

export async function lookAtMemory(place: Place): Promise<MemoryLook> {
  const no = (outcome: "denied" | "unavailable", detail: string): MemoryLook => ({ kind: "none", outcome, detail });
  if (place.platform !== "linux") return no("unavailable", `whole memory: ${place.platform} gives it only to a kernel extension`);
  if (place.arch !== "x64") return no("unavailable", `whole memory: AVML exists for x86_64 only, this is ${place.arch}`);
  // Kernel: LOCKDOWN_KCORE belongs to "confidentiality"; under "integrity" /proc/kcore still answers.
  if (/\[confidentiality\]/.test((await textOrNull(place, "/sys/kernel/security/lockdown")) ?? ""))
    return no("unavailable", "whole memory: kernel lockdown (confidentiality) forbids it");
  if (!(await exists(place, "/proc/kcore"))) return no("unavailable", "whole memory: this kernel has no /proc/kcore");
  if (place.uid !== 0) return no("denied", "whole memory: reading /proc/kcore needs root");
  if (place.avml === null) return no("unavailable", "whole memory: no memory tool is configured (host.avml: path and sha256)");
  const total = /^MemTotal:\s+(\d+) kB/m.exec((await textOrNull(place, "/proc/meminfo")) ?? "")?.[1];
  return { kind: "ready", tool: place.avml, estimate: total === undefined ? null : Number(total) * 1024 };
}

async function exists(place: Place, path: string): Promise<boolean> {
  try {
    await access(onPlace(place, path));
    return true;
  } catch (error) {
    return systemCode(error) !== "ENOENT";
  }
}
