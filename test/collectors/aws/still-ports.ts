import type { AwsPorts } from "../../../collectors/aws/aws.ts";
import { type AwsConfig, noAws } from "../../../src/core/config-aws.ts";
import { quickAccounts } from "./planted-snapshot.ts";

/** Time that stands still but for the waits of a collector, and for `pass`. */
export type StillTime = {
  readonly clock: () => Date;
  /** Every wait, in milliseconds. */
  readonly waits: number[];
  readonly sleep: AwsPorts["sleep"];
  pass(ms: number): void;
};

/** `waiting` is called at every wait, before time passes. */
export function stillTime(waiting: (ms: number) => void = () => {}): StillTime {
  let now = Date.parse("2026-11-24T12:00:00.000Z");
  const waits: number[] = [];
  return {
    clock: () => new Date(now),
    waits,
    async sleep(ms, stop) {
      stop.throwIfAborted();
      waits.push(ms);
      waiting(ms);
      now += ms;
      stop.throwIfAborted();
    },
    pass: (ms) => {
      now += ms;
    },
  };
}

/** What a collector gets from outside, in that time; without a memory tool. */
export function stillPorts({ clock, sleep }: StillTime, config: Partial<AwsConfig>): AwsPorts {
  return {
    config: { ...noAws, ...config },
    clock,
    random: (n) => new Uint8Array(n).fill(128),
    sleep,
    readTool: () => Promise.reject(new Error("there is no tool here")),
    ebs: quickAccounts(),
  };
}
