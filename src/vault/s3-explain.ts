import { describeError, HoldfastError, type ErrorCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import { codeOf, statusOf, troubleOf } from "./s3-trouble.ts";

const chain = "set credentials and region right (default chain of the AWS SDK: AWS_*, AWS_PROFILE, instance role)";

/** What a failed request means for a person: what could not be done, and what to do. `answered`: whether the store ever answered. */
export function explainFailure(
  vault: { readonly name: string; readonly bucket: string; readonly attempts: number; readonly expectedOwner: string | null },
  what: string,
  error: unknown,
  answered: boolean,
): HoldfastError {
  const trouble = troubleOf(error);
  const say = (code: ErrorCode, advice: string): HoldfastError =>
    new HoldfastError(code, `vault ${vault.name}: could not ${printable(what)} (${codeOf(error)}); ${advice}`, error);
  switch (trouble) {
    case "throttled":
      return say("paused", "the store asks for less and did not relent; what was sent is kept, resume later");
    case "rejected":
      if (codeOf(error) === "RequestTimeTooSkewed") return say("config", "this machine's clock is wrong; set it, then resume");
      if (statusOf(error) === 301 || statusOf(error) === 307) return say("config", `${vault.bucket} is in another region; set region`);
      if (answered) return say("paused", "the credentials were withdrawn; renew them and resume, what was sent is kept");
      return say("config", chain);
    case "lapsed":
      if (answered) return say("paused", "the credentials ran out; renew them and resume, what was sent is kept");
      return say("config", chain);
    case "unknown":
      return say("vault", `the store gave no clear answer in ${vault.attempts} tries; what was sent is kept, resume when it is well`);
    case "corrupt":
      return say("vault", `the store received other bytes than were sent, ${vault.attempts} times; look for a broken machine, network or proxy, then resume`);
    case "no-bucket":
      return say("vault", `there is no bucket ${vault.bucket}; create it with Object Lock enabled`);
    case "denied":
      return say(
        "vault",
        `the store denies it; check permissions${vault.expectedOwner === null ? "" : ` and that ${vault.expectedOwner} owns ${vault.bucket}`}`,
      );
    case "taken":
    case "no-upload":
    case "missing":
    case "no-lock":
    case "other":
      return say("vault", describeError(error));
    default:
      return trouble satisfies never;
  }
}
