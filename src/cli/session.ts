import type { App, AppOptions } from "../app.ts";
import type { Output } from "./output.ts";

/** What a command gets: the app (opened on first use), where to print, whether it may ask, and when to stop. */
export type Session = {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** True where a person sits at a terminal and may be asked. */
  readonly mayAsk: boolean;
  /** `origin` only matters to a home that is made now. */
  app(origin?: string): Promise<App>;
};

export type GlobalOptions = Omit<AppOptions, "origin"> & {
  readonly json: boolean;
  readonly jsonl: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly input: boolean;
  readonly server: string | null;
};
