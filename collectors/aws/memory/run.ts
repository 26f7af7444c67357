import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import type { Progress } from "./kept.ts";
import type { LinkMeasures } from "./links.ts";
import type { MemorySystem } from "./system.ts";

/** What one attempt at an instance's memory works with. */
export type MemoryRun = {
  readonly aws: Aws;
  readonly at: StepContext;
  readonly system: MemorySystem;
  /** The pinned tool, whose digest was checked when it was read. */
  readonly tool: { readonly bytes: Buffer; readonly sha256: string };
  readonly links: LinkMeasures;
  readonly progress: Progress;
};

export function commentOf({ at, progress }: Pick<MemoryRun, "at" | "progress">, what: string): string {
  return `holdfast ${at.collection} memory ${progress.get().token} ${what}`.slice(0, 100);
}

/** A name for an act within the step: a step that starts again has a new token, and its acts are new ones. */
export function onceOf({ progress }: Pick<MemoryRun, "progress">, what: string): string {
  return `${progress.get().token}/${what}`;
}

export function changed(detail: string, result: Done["result"], requestIds: readonly string[]): Done {
  return { kind: "done", detail, result, requestIds };
}
