import { createHash } from "node:crypto";
import { HoldfastError } from "../../../src/core/error.ts";
import type { PushSource } from "../../../src/core/source.ts";
import { type LimeFindings, limeWalker } from "../../../src/stream/lime.ts";
import { clearLeft } from "./cleanup.ts";
import type { DumpEnd } from "./claims.ts";
import { followDump, stopDump } from "./follow.ts";
import { ramOf } from "./ready.ts";
import { memoryReport } from "./report.ts";
import type { MemoryRun } from "./run.ts";
import { startDump } from "./send.ts";

/** How long an abort waits for the command to be cancelled. */
const farewellMs = 15_000;

/** The memory that an instance uploads by itself. `continues`: an interrupted attempt is taken up where it is. */
export function memorySource(run: MemoryRun, continues: boolean): PushSource {
  const { aws, system, progress, tool } = run;
  const walker = system.form === "lime" ? limeWalker() : null;
  const hash = createHash("sha256");
  let bytes = 0;
  let walked: LimeFindings | null = null;
  let digest: string | null = null;

  async function ended(end: DumpEnd, signal: AbortSignal): Promise<void> {
    progress.set({ end });
    if (end.claims?.left === false) return;
    try {
      await clearLeft(aws, run.at, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError) || error.code !== "unreachable") throw error; // `holdfast cleanup` finds it
    }
  }

  async function stop(problem: string): Promise<void> {
    const { command } = progress.get();
    if (command === null) return;
    try {
      await stopDump(run, command, AbortSignal.timeout(farewellMs));
    } catch (error) {
      // It goes on as it is, and is found by its command: by the next attempt, or by cleanup.
      if (error instanceof HoldfastError || (error instanceof Error && /Abort|Timeout/.test(error.name))) return;
      throw error;
    }
    progress.set({ end: { problem, claims: null, at: aws.clock().toISOString(), again: true } });
  }

  return {
    kind: "push",
    name: system.name,
    mediaType: system.mediaType,
    store: "as-is",
    partSize: progress.get().partSize,
    continues,
    async push(landing, signal) {
      if (progress.get().end !== null) return;
      try {
        const refused = progress.get().command === null ? await startDump(run, landing, signal) : null;
        const end = refused === null ? await followDump(run, landing, signal) : { problem: refused, claims: null, at: aws.clock().toISOString(), again: false };
        await ended(end, signal);
      } catch (error) {
        // Nobody brings links or looks any more: it must not go on by itself. Where the way to it is what broke, the next attempt
        // takes it up.
        const breaks = !(error instanceof HoldfastError) || error.code === "unreachable" || error.code === "unexpected";
        if (signal.aborted || breaks) await stop(signal.aborted ? "stopped from here" : "it could not be followed to its end");
        throw error;
      }
    },
    inspect(piece) {
      hash.update(piece);
      walker?.push(piece);
      bytes += piece.length;
    },
    report() {
      const kept = progress.get();
      const end = kept.end ?? { problem: "how the dump ended is not known", claims: null, at: aws.clock().toISOString(), again: false };
      digest ??= hash.digest("hex");
      walked ??= walker?.end(kept.ready === null ? null : ramOf(kept.ready)) ?? null;
      return memoryReport({ kept, end, walked, bytes, sha256: digest, pinned: tool.sha256 });
    },
    async close() {},
  };
}
