import type { HeldExhibit } from "../core/held.ts";
import type { Step } from "../core/plan.ts";
import type { StepEnd } from "./outcome-act.ts";

/** Evidence that stays with its provider: no bytes pass here, so there is no digest; its lock is read back as an object's is. */
export function takeHeld(step: Step, { name, held, detail, outcome, requestIds }: HeldExhibit): StepEnd {
  return {
    outcome,
    digest: null,
    requestIds,
    detail: {
      kind: step.kind,
      name,
      mediaType: "application/octet-stream",
      text: detail,
      files: null,
      transform: [],
      reproducible: true,
      coverage: null,
      put: null,
      held,
    },
  };
}
