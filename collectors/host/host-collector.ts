import type { Json } from "../../src/core/act.ts";
import type { Collector, Done, Opened } from "../../src/core/collector.ts";
import { HoldfastError } from "../../src/core/error.ts";
import type { Step } from "../../src/core/plan.ts";
import type { Target } from "../../src/core/target.ts";
import { accessLogs } from "./access-logs.ts";
import { diskImage } from "./disk-image.ts";
import { flowLogs } from "./flow-logs.ts";
import type { Place } from "./place.ts";
import { planHost } from "./plan.ts";
import { processMemory } from "./process-memory.ts";
import { state } from "./state.ts";
import { parseInput } from "./step-input.ts";
import { removeLeftPipes, wholeMemory } from "./whole-memory.ts";

/**
 * The machine that Holdfast runs on, or one mounted under `place.root`. Linux whole; macOS what it gives; other platforms are
 * refused. It has no `act` steps: it changes nothing but for the named pipe through which a memory tool speaks.
 */
export function hostCollector(place: Place): Collector {
  const known = place.platform === "linux" || place.platform === "darwin";
  return {
    provider: "host",

    plan(target, wish, signal) {
      mustBeHost(target);
      return planHost(place, target, wish, signal);
    },

    async open(step, _at, signal): Promise<Opened> {
      signal.throwIfAborted();
      if (!known) return { kind: "none", outcome: "unavailable", detail: `hosts running ${place.platform} cannot be collected from by this release` };
      const input = parseInput(step);
      switch (input.kind) {
        case "state":
          return { kind: "source", source: state(place) };
        case "flow-logs":
          return { kind: "source", source: flowLogs(place, input.window) };
        case "access-logs":
          return { kind: "source", source: accessLogs(place, input) };
        case "disk-image":
          return diskImage(place, input.disk);
        case "process-memory":
          return processMemory(place, input.pid);
        case "memory":
          return wholeMemory(place);
        default:
          return input satisfies never;
      }
    },

    before: (step): Promise<Json> => Promise.reject(noActs(step)),
    act: (step): Promise<Done> => Promise.reject(noActs(step)),
    undo: (step): Promise<Done> => Promise.reject(noActs(step)),
    cleanup: (step) => (step.id === "memory" ? removeLeftPipes(place) : Promise.resolve([])),
    // The plan says what is readable and what is not: reading it is the whole check.
    doctor: () => Promise.resolve([]),
    holder: null,
    close: () => Promise.resolve(),
  };
}

function mustBeHost(target: Target): void {
  if (target.kind !== "host") throw new HoldfastError("usage", `${target.id} is not this machine; the host collector takes host:local`);
}

function noActs(step: Step): HoldfastError {
  return new HoldfastError("unexpected", `step ${step.id}: the host collector has no acts`);
}
