import { describeError, HoldfastError } from "../../../src/core/error.ts";
import { printable } from "../../../src/core/printable.ts";
import { codeOf, textOf, type Trouble } from "./trouble.ts";

export type Failed = {
  /** `ec2:CreateSnapshots in eu-west-1`. */
  readonly what: string;
  /** As in the configuration; null: AWS's own. */
  readonly endpoint: string | null;
  /** Whether a service ever answered to these credentials. */
  readonly answered: boolean;
  readonly tries: number;
  /** Whether it changes something and may have happened. */
  readonly changes: boolean;
};

const chain = "set credentials (default chain of the AWS SDK: AWS_PROFILE and `aws sso login`, AWS_ACCESS_KEY_ID, instance role)";

/** What a call that got no answer means for a person, and what to do. */
export function explain(failed: Failed, error: unknown, trouble: Trouble): HoldfastError {
  const why = printable(describeError(error).slice(0, 300));
  const say = (code: "config" | "paused" | "unreachable" | "unexpected", advice: string): HoldfastError =>
    new HoldfastError(code, `${failed.what}: ${codeOf(error)} (${why}); ${advice}`, error);
  switch (trouble) {
    case "throttled":
      return say("unreachable", `AWS throttled ${failed.tries} tries and did not relent; what was collected is kept, resume later`);
    case "unsent":
      if (failed.endpoint !== null && !failed.answered) return say("config", `nothing answers at aws.endpoint ${failed.endpoint}; correct it or start it`);
      return say("unreachable", `the network did not carry ${failed.tries} tries; resume when it is well`);
    case "unknown":
      return say(
        "unreachable",
        failed.changes
          ? `its answer was lost: it may have happened; resume looks before it asks again`
          : `no clear answer in ${failed.tries} tries; resume when the service is well`,
      );
    case "lapsed":
    case "rejected":
      if (/skew|RequestExpired/i.test(codeOf(error)) || /signature not yet current|signature expired/i.test(textOf(error)))
        return say(failed.answered ? "paused" : "config", "the credentials ran out, or this machine's clock is wrong; renew them and check the clock");
      if (codeOf(error) === "OptInRequired") return say("config", "this Region or service is not enabled for the account; enable it or choose another");
      if (failed.answered)
        return say("paused", "the credentials ended and there are no new ones; renew them (e.g. `aws sso login`) and resume, what was collected is kept");
      return say("config", chain);
    case "elsewhere":
      return say("config", "S3 does not take this Region for the bucket and names no other that it takes; the credentials are not in question");
    case "foreign":
      return say(
        "config",
        failed.endpoint === null
          ? "what answered is not AWS; look for a proxy in between"
          : `what answers at aws.endpoint ${failed.endpoint} is not AWS; correct it`,
      );
    case "dry-run":
    case "denied":
    case "missing":
    case "invalid":
    case "conflict":
    case "limit":
      return say("unexpected", "this should have been an answer");
    default:
      return trouble satisfies never;
  }
}
