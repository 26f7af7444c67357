import { denied } from "./faults.ts";
import { flagOf } from "./params.ts";
import { AwsRefusal, type Call, type Operation, type Reply } from "./service.ts";
import type { Ec2World } from "./ec2-world.ts";

/**
 * Looks at what is asked and refuses; what changes something it gives back as a function, which a dry run does not call. A reply
 * at once is that of an operation that only reads.
 */
export type Ec2Operation = (call: Call) => Reply | (() => Reply);

/** EC2's order: is it allowed, is it right, and then, for a dry run, that it would have been done. */
export function dryRunnable(world: Ec2World, operation: Ec2Operation): Operation {
  return (call) => {
    if (world.denied.has(`${call.account}:${call.operation}`)) throw denied("ec2", call);
    const made = operation(call);
    if (flagOf(call.params, "DryRun") === true) throw new AwsRefusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
    return typeof made === "function" ? made() : made;
  };
}

/** What a change with nothing to tell answers. */
export const wellDone: Reply = { xml: { return: true } };
