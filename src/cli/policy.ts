import { type PolicyRole, policyRoles } from "../app/policing.ts";
import { HoldfastError } from "../core/error.ts";
import { optionChoice, optionList, type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** Prints the policies of all roles by their names, or the bare document of one, ready for the provider's own command line. */
export async function policyIam(session: Session, options: Options): Promise<number> {
  if (optionText(options, "cloud") === undefined) throw new HoldfastError("usage", "--cloud: say whose policies; this release knows --cloud aws");
  const cloud = optionChoice(options, "cloud", ["aws", "azure", "gcp"], "aws");
  if (cloud !== "aws")
    throw new HoldfastError("usage", `--cloud ${cloud}: this release makes no call to ${cloud}, so there is nothing to allow; only aws is known`);
  const account = optionText(options, "account") ?? null;
  if (account !== null && !/^\d{12}$/.test(account))
    throw new HoldfastError("usage", `--account: ${JSON.stringify(account)} is not an account; write 12 digits`);
  const role = optionText(options, "role") === undefined ? null : optionChoice<PolicyRole>(options, "role", policyRoles, "collector");
  const app = await session.app({ kind: "any" });
  const { policies, notes } = await app.policing.iam({
    roles: role === null ? policyRoles : [role],
    account,
    vault: optionText(options, "vault") ?? null,
    logBuckets: optionList(options, "logBucket"),
  });
  for (const note of notes) session.output.say(note);
  present(session.output, { schema: "holdfast.policies/1", cloud, policies } as { schema: string }, policies, () => {
    const [only] = policies;
    const shown = role === null ? Object.fromEntries(policies.map((policy) => [policy.role, policy.document])) : only?.document;
    return [JSON.stringify(shown, null, 2)];
  });
  return 0;
}
