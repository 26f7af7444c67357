import type { AwsConfig } from "../../src/core/config-aws.ts";
import type { Clock, Random } from "../../src/core/ports.ts";
import type { AwsLink, Observed } from "./client/link.ts";
import { openAwsLink } from "./client/client.ts";
import { clockOffset } from "./client/clock-offset.ts";
import type { EbsAccounts } from "./disk-image/ebs-account.ts";
import { type Instance, instanceArn, parseInstance } from "./target.ts";
import type { Belongs } from "./tags.ts";

/** What the collector is given by app.ts. */
export type AwsPorts = {
  readonly config: AwsConfig;
  readonly clock: Clock;
  readonly random: Random;
  /** Must end early, by rejecting, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Reads a pinned tool whole (aws.memory); at most 64 MiB. Rejects with `config` where it cannot be read. */
  readonly readTool: (path: string) => Promise<Buffer>;
  /** One for the process: two collections of one account share its limits. */
  readonly ebs: EbsAccounts;
  readonly observe?: (call: Observed) => void;
};

/** What every room works with: one instance, and the way to its account. */
export type Aws = AwsPorts & {
  readonly link: AwsLink;
  readonly instance: Instance;
  /** Twelve digits: the account that the instance is in. */
  readonly account: string;
  readonly arn: string;
  /** Our clock or AWS's, whichever is behind: by a clock that is ahead, what AWS still has to deliver would seem to have come. */
  readonly slowClock: Clock;
};

/** Opens the way to a target and learns whose account it is. The caller closes `link`. */
export async function openAws(ports: AwsPorts, target: string, belongs: Belongs, signal: AbortSignal): Promise<Aws> {
  const instance = parseInstance(target, ports.config);
  let aheadMs = 0;
  const observe = (call: Observed): void => {
    const found = call.name === "sts:GetCallerIdentity" ? clockOffset(call) : null;
    if (found !== null) aheadMs = -found.offsetMs > found.uncertainMs ? found.uncertainMs - found.offsetMs : 0;
    ports.observe?.(call);
  };
  const link = openAwsLink({ ...ports, observe, region: instance.region, account: instance.account, case: belongs.case, collection: belongs.collection });
  try {
    const { account } = await link.identity("source", signal);
    return { ...ports, link, instance, account, arn: instanceArn(instance, account), slowClock: () => new Date(ports.clock().getTime() - aheadMs) };
  } catch (error) {
    link.close();
    throw error;
  }
}
