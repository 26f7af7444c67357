import type { Kind } from "./kind.ts";
import type { Compression } from "./part.ts";
import type { Window } from "./window.ts";

/** What a person asked of a target. */
export type Wish = {
  /** null: the default of contract.md (all that the target offers except disk-image, capture, services). */
  readonly kinds: readonly Kind[] | null;
  readonly window: Window;
  readonly disks: readonly string[];
  readonly pids: readonly number[];
  readonly logs: readonly string[];
  readonly compress: Compression;
  /** What is to be cut off, and when; null: nothing. */
  readonly contain: Containment | null;
};

/** `now`: before anything else but freezing; `after-memory`: as soon as memory is taken or known not to be had. */
export type Containment = {
  readonly when: "now" | "after-memory";
  readonly network: boolean;
  readonly identity: boolean;
  /** Names or ARNs of the account's users whose keys are disabled. */
  readonly users: readonly string[];
};

/** One call, file read or command of a step, with the right it needs. */
export type Call = {
  /** `ec2:CreateSnapshots`, `read /proc/kcore`. */
  readonly call: string;
  readonly needs: string;
  /** True where it changes something on the target or its account. */
  readonly changes: boolean;
};

/**
 * One step of a plan, as plain data: it is journaled, hashed and handed to a worker. `exhibit` steps give bytes through
 * Collector.open; `act` steps have one side effect through Collector.act. A step knows nothing of vault or ledger.
 */
export type Step = {
  /** Unique in the plan and the same for the same wish on the same target: `memory`, `memory:pid-12`, `disk-image:/dev/sdb`. */
  readonly id: string;
  readonly does: "exhibit" | "act";
  readonly kind: Kind;
  /** Steps of one lane run one after the other; lanes run side by side. */
  readonly lane: string;
  /** Steps of other lanes that must have ended, however, before this one begins. */
  readonly after: readonly string[];
  /** Whether `contain undo` can put back what this act changes. */
  readonly undoable: boolean;
  /** What a person reads: printable. */
  readonly title: string;
  /** Earlier rank first: design.md's order of a plan. */
  readonly rank: number;
  readonly calls: readonly Call[];
  /** Bytes written on the target and processes started there. */
  readonly footprint: { readonly writtenBytes: number; readonly tools: readonly string[] };
  /** null: cannot be known before reading. */
  readonly estimate: { readonly bytes: number | null; readonly seconds: number | null };
  /** Whether two collections doing this step on one target would disturb each other (memory, freeze, isolation). */
  readonly exclusive: boolean;
  /** The collector's own parameters; JSON values only. */
  readonly input: Readonly<Record<string, unknown>>;
};

export type Plan = {
  readonly schema: "holdfast.plan/1";
  readonly target: string;
  readonly provider: string;
  /** How the bytes travel, for people: `host:local → this process → vault`. */
  readonly path: string;
  readonly window: Window;
  readonly steps: readonly Step[];
  /** What this target does not offer, and why: no empty twins. */
  readonly without: readonly { readonly kind: Kind; readonly why: string }[];
};
