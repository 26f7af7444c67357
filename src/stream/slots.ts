import { chunkBytes } from "./part-size.ts";

/** Buffers of the usual size that no stream uses now: fresh memory for each exhibit costs as much as hashing it. */
const spare: SharedArrayBuffer[] = [];
const maxSpare = 6;

export function takeBuffers(count: number, bytes: number): SharedArrayBuffer[] {
  return Array.from({ length: count }, () => (bytes === chunkBytes ? spare.pop() : undefined) ?? new SharedArrayBuffer(bytes));
}

/** Only buffers that nobody reads or fills any more. */
export function giveBuffers(buffers: readonly SharedArrayBuffer[]): void {
  for (const buffer of buffers) if (buffer.byteLength === chunkBytes && spare.length < maxSpare) spare.push(buffer);
}

type Waiter = { readonly resolve: (slot: number) => void; readonly reject: (error: unknown) => void };

/** Hands out the numbers 0…count-1, each to one holder at a time, and makes others wait. */
export class Slots {
  readonly #free: number[];
  readonly #waiters: Waiter[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(count: number) {
    this.#free = Array.from({ length: count }, (_, i) => i);
  }

  acquire(): Promise<number> {
    return new Promise((resolve, reject) => {
      const slot = this.#free.pop(); // the one used last is still in cache
      if (this.#failure !== null) reject(this.#failure.error);
      else if (slot !== undefined) resolve(slot);
      else this.#waiters.push({ resolve, reject });
    });
  }

  release(slot: number): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#free.push(slot);
    else waiter.resolve(slot);
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

/** Work that several users do on one slot: when the last of them is done, `finish` is called. */
export class Orders {
  readonly #tickets: Slots;
  readonly #open = new Map<number, { left: number; readonly finish: () => void }>();

  /** At most `max` orders are open at once: enough to keep all busy through a run of holes, few enough for flat memory. */
  constructor(max: number) {
    this.#tickets = new Slots(max);
  }

  async open(users: number, finish: () => void): Promise<number> {
    const ticket = await this.#tickets.acquire();
    this.#open.set(ticket, { left: users, finish });
    return ticket;
  }

  done(ticket: number): void {
    const order = this.#open.get(ticket);
    if (order === undefined) return;
    order.left -= 1;
    if (order.left > 0) return;
    this.#open.delete(ticket);
    order.finish();
    this.#tickets.release(ticket);
  }

  fail(error: unknown): void {
    this.#tickets.fail(error);
  }
}

export function viewOf(buffers: readonly SharedArrayBuffer[], slot: number, bytes?: number): Buffer<SharedArrayBuffer> {
  const buffer = buffers[slot];
  if (buffer === undefined) throw new RangeError(`there is no slot ${slot}`);
  return Buffer.from(buffer, 0, bytes ?? buffer.byteLength);
}
