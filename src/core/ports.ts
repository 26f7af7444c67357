/** The outside world, as arguments: only app.ts touches the real ones. */
export type Clock = () => Date;
export type Random = (bytes: number) => Uint8Array;
/** What `globalThis.fetch` is. Every call gets a signal. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is known about the clock an act's time was read from. Milliseconds, as decimal strings; null where it was not measured. */
export type ClockQuality = {
  readonly offsetMs: string | null;
  readonly uncertaintyMs: string | null;
  readonly source: string;
};
