/**
 * Measures how fast the consumer takes parts, while it alone is what the stream waits for: all part buffers are filled and
 * none has been given back.
 */
export class SinkMeter {
  readonly #now: () => number;
  readonly #slots: number;
  #held = 0;
  #since = 0;
  #waited = 0;
  #bytes = 0;
  #releases = 0;

  constructor(slots: number, now: () => number) {
    this.#slots = slots;
    this.#now = now;
  }

  filled(): void {
    this.#held += 1;
    if (this.#held === this.#slots) this.#since = this.#now();
  }

  /** The rate in bytes a millisecond, or null where nothing is known yet. */
  released(bytes: number): number | null {
    if (this.#held === this.#slots) {
      this.#waited += this.#now() - this.#since;
      this.#bytes += bytes;
      this.#releases += 1;
      if (this.#releases % 16 === 0) {
        this.#waited /= 2;
        this.#bytes /= 2;
      }
    }
    this.#held -= 1;
    // The first parts only fill the buffers of whatever lies behind the consumer.
    return this.#releases < 2 ? null : this.#bytes / Math.max(this.#waited, 1e-3);
  }
}
