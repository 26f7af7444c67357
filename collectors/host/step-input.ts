import { HoldfastError } from "../../src/core/error.ts";
import type { Step } from "../../src/core/plan.ts";
import type { Window } from "../../src/core/window.ts";

/** What a step of this collector says, read back from the journal it was kept in. */
export type StepInput =
  | { readonly kind: "state" }
  | { readonly kind: "memory" }
  | { readonly kind: "process-memory"; readonly pid: number }
  | { readonly kind: "flow-logs"; readonly window: Window }
  | { readonly kind: "access-logs"; readonly window: Window; readonly logs: readonly string[] }
  | { readonly kind: "disk-image"; readonly disk: string };

export function parseInput(step: Step): StepInput {
  const { pid, window, logs, disk } = step.input;
  switch (step.kind) {
    case "state":
      return { kind: "state" };
    case "memory":
      if (pid === undefined) return { kind: "memory" };
      if (typeof pid === "number" && Number.isSafeInteger(pid) && pid > 0) return { kind: "process-memory", pid };
      break;
    case "flow-logs":
      if (isWindow(window)) return { kind: "flow-logs", window };
      break;
    case "access-logs":
      if (isWindow(window) && Array.isArray(logs) && logs.every((log) => typeof log === "string")) return { kind: "access-logs", window, logs };
      break;
    case "disk-image":
      if (typeof disk === "string") return { kind: "disk-image", disk };
      break;
    default:
  }
  throw new HoldfastError("unexpected", `step ${step.id} is not one that the host collector planned`);
}

function isWindow(value: unknown): value is Window {
  return (
    typeof value === "object" && value !== null && "since" in value && "until" in value && typeof value.since === "string" && typeof value.until === "string"
  );
}
