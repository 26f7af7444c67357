import type { App, AppOptions } from "../app.ts";
import type { Output } from "./output.ts";

/** What a command gets: the app (opened on first use), where to print, whether it may ask, and when to stop. */
export type Session = {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** True where a person sits at a terminal and may be asked. */
  readonly mayAsk: boolean;
  /** Opens the app, once. Without a wish the home has to be there. */
  app(wants?: AppOptions["wants"]): Promise<App>;
};

export type GlobalOptions = Omit<AppOptions, "wants"> & {
  readonly json: boolean;
  readonly jsonl: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly input: boolean;
  readonly server: string | null;
};
