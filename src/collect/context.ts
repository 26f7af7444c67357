import type { Actor } from "../core/act.ts";
import type { Collector } from "../core/collector.ts";
import type { Jobs, Lease } from "../core/jobs.ts";
import type { Clock } from "../core/ports.ts";
import type { Reader, Recorder } from "../core/recorder.ts";
import type { Vault } from "../core/vault.ts";

/** What carrying out a plan needs, all as contracts. */
export type CollectContext = {
  readonly jobs: Jobs;
  readonly recorder: Recorder;
  /** One look at what is recorded now. */
  readonly reader: <T>(look: (reader: Reader) => T) => T;
  readonly collector: Collector;
  readonly vault: Vault;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly progress: (event: ProgressEvent) => void;
};

export type LeasedContext = CollectContext & { readonly lease: Lease };

/** For people watching: nothing depends on it. */
export type ProgressEvent =
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "begin"; readonly exhibit: string; readonly title: string; readonly total: number | null }
  | { readonly kind: "bytes"; readonly exhibit: string; readonly done: number; readonly total: number | null }
  | { readonly kind: "act"; readonly step: string; readonly title: string; readonly outcome: string; readonly detail: string }
  | { readonly kind: "end"; readonly exhibit: string; readonly outcome: string; readonly detail: string | null };
