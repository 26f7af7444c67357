import { createHash } from "node:crypto";
import { HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Aws } from "../aws.ts";
import type { MemoryKept } from "./kept.ts";
import type { None } from "../client/refused.ts";

export type PinnedTool = { readonly kind: "tool"; readonly bytes: Buffer; readonly sha256: string };

/** The configured tool, read whole; only bytes with the pinned digest are ever offered to a host. */
export async function pinnedTool(aws: Aws, system: MemoryKept["system"]): Promise<PinnedTool | None> {
  const pin = system === "linux" ? aws.config.memory : (aws.config.memory?.windows ?? null);
  const no = (detail: string): None => ({ kind: "none", outcome: "unavailable", detail: `memory: ${detail}` });
  if (pin === null) return no(`no memory tool for ${system} is configured; name aws.memory${system === "windows" ? ".windows" : ""}.tool and its sha256`);
  try {
    const bytes = await aws.readTool(pin.tool);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 !== pin.sha256) return no(`${printable(pin.tool)} has SHA-256 ${sha256}, pinned is ${pin.sha256}; it was not sent`);
    return { kind: "tool", bytes, sha256 };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "config") throw error;
    return no(`the memory tool cannot be read: ${error.message}`);
  }
}
