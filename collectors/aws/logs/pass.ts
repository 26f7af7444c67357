import { createHash } from "node:crypto";
import type { Json } from "../../../src/core/act.ts";
import { HoldfastError } from "../../../src/core/error.ts";

/**
 * Logs arrive late, so that a window that has just ended is read twice. The first pass leaves when it began to read each source, and
 * what had arrived shortly before; the second takes what arrived after that and is not among it. In doubt something is taken twice:
 * that does no harm, and a miss would.
 */
export type Pass = {
  readonly late: boolean;
  /** When the first pass began to read it; null in the first pass, and where that did not come to the source's end. */
  earlier(name: string): Date | null;
  /** Begins to read a source at a time by the service's own clock. */
  source(name: string, asOf: Date): PassSource;
  /** For the second pass, of the sources that were read to their end. */
  memory(): Json;
};

export type PassSource = {
  /** Whether it is to be taken in this pass. `arrived` is by the service's clock; null where it does not say. */
  wants(id: string, arrived: Date | null): boolean;
  /** It was read to its end. */
  done(): void;
};

/** What a service showed is complete but for what arrived just then: S3 gives whole seconds, CloudWatch shows events with a delay. */
const marginMs = 120_000;
/** Of what arrived within the margin so many are remembered; the rest is taken twice. */
const mostKnown = 10_000;
const width = 12;

export function firstPass(): Pass {
  const done = new Map<string, { readonly asOf: string; readonly known: string }>();
  return {
    late: false,
    earlier: () => null,
    source(name, asOf) {
      const known: Buffer[] = [];
      return {
        wants(id, arrived) {
          if (known.length < mostKnown && (arrived === null || arrived.getTime() >= asOf.getTime() - marginMs)) known.push(hashOf(id));
          return true;
        },
        done: () => void done.set(name, { asOf: asOf.toISOString(), known: Buffer.concat(known).toString("base64") }),
      };
    },
    memory: () => Object.fromEntries(done),
  };
}

/** `memory` is what the first pass left, or null where it left nothing: then everything is taken. */
export function secondPass(memory: Json): Pass {
  const earlier = parseMemory(memory);
  return {
    late: true,
    earlier(name) {
      const one = earlier.get(name);
      return one === undefined ? null : new Date(one.asOfMs);
    },
    source(name) {
      const one = earlier.get(name);
      if (one === undefined) return { wants: () => true, done: () => undefined };
      return {
        wants: (id, arrived) => (arrived === null || arrived.getTime() >= one.asOfMs - marginMs) && !one.known.has(hashOf(id).toString("base64")),
        done: () => undefined,
      };
    },
    memory: () => null,
  };
}

function parseMemory(memory: Json): ReadonlyMap<string, { readonly asOfMs: number; readonly known: ReadonlySet<string> }> {
  if (memory === null) return new Map();
  const bad = (): HoldfastError => new HoldfastError("unexpected", "what the first pass left in the journal is not what a first pass leaves; report this");
  if (typeof memory !== "object" || Array.isArray(memory)) throw bad();
  return new Map(
    Object.entries(memory).map(([name, value]: [string, unknown]) => {
      if (typeof value !== "object" || value === null || !("asOf" in value) || !("known" in value)) throw bad();
      const { asOf, known } = value;
      if (typeof asOf !== "string" || Number.isNaN(Date.parse(asOf)) || typeof known !== "string") throw bad();
      const bytes = Buffer.from(known, "base64");
      const set = new Set<string>();
      for (let at = 0; at < bytes.length; at += width) set.add(bytes.subarray(at, at + width).toString("base64"));
      return [name, { asOfMs: Date.parse(asOf), known: set }];
    }),
  );
}

/** Of a name that an attacker may choose: long enough that none can be made to pass for another's. */
function hashOf(id: string): Buffer {
  return createHash("sha256").update(id).digest().subarray(0, width);
}
