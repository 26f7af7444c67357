import type { Part } from "../core/part.ts";

type Waiter = { readonly resolve: (result: IteratorResult<Part>) => void; readonly reject: (error: unknown) => void };

/** Parts on their way to the consumer, in order. May be asked by several lanes at once; each part goes to one of them. */
export class PartQueue {
  readonly #taken: (part: Part) => void;
  #ready: Part[] = [];
  #waiters: Waiter[] = [];
  #state: { readonly kind: "open" } | { readonly kind: "ended" } | { readonly kind: "failed"; readonly error: unknown } = { kind: "open" };

  constructor(taken: (part: Part) => void) {
    this.#taken = taken;
  }

  push(part: Part): void {
    if (this.#state.kind !== "open") return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#ready.push(part);
    else this.#give(waiter.resolve, part);
  }

  /** Called after the last part was pushed. */
  end(): void {
    if (this.#state.kind !== "open") return;
    this.#state = { kind: "ended" };
    for (const waiter of this.#waiters.splice(0)) waiter.resolve({ done: true, value: undefined });
  }

  /** Parts that nobody took are dropped: a stream that failed gives nothing more. */
  fail(error: unknown): void {
    if (this.#state.kind === "failed") return;
    this.#state = { kind: "failed", error };
    this.#ready = [];
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  next(): Promise<IteratorResult<Part>> {
    return new Promise((resolve, reject) => {
      const part = this.#ready.shift();
      if (part !== undefined) this.#give(resolve, part);
      else if (this.#state.kind === "failed") reject(this.#state.error);
      else if (this.#state.kind === "ended") resolve({ done: true, value: undefined });
      else this.#waiters.push({ resolve, reject });
    });
  }

  #give(resolve: Waiter["resolve"], part: Part): void {
    this.#taken(part);
    resolve({ done: false, value: part });
  }
}
