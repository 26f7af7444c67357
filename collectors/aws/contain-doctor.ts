import type { Wish } from "../../src/core/plan.ts";
import type { ProbeAnswer } from "../../src/core/vault.ts";
import type { Aws } from "./aws.ts";
import { refusedBy } from "./contain-no.ts";
import type { Answer } from "./link.ts";
import type { Look } from "./look.ts";

/** Dry runs of what isolation would do to the instance as it is; rights on groups that are not made yet cannot be tried. */
export async function containDoctor(aws: Aws, look: Look, { contain }: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  if (contain === null) return [];
  return contain.network ? networkProbes(aws, look, signal) : [];
}

async function networkProbes(aws: Aws, { instance }: Look, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  const answers: ProbeAnswer[] = [];
  const told = (call: "ec2:CreateSecurityGroup" | "ec2:ModifyNetworkInterfaceAttribute", on: string, answer: Answer<null>): void => {
    const probe = "isolation";
    if (answer.kind === "answer") answers.push({ probe, ok: true, fatal: false, text: `${call} on ${on} would be allowed` });
    else answers.push({ probe, ok: false, fatal: true, text: `${on}: ${refusedBy(call, answer).text}` });
  };
  const { VpcId } = instance;
  if (VpcId !== undefined)
    told(
      "ec2:CreateSecurityGroup",
      VpcId,
      await aws.link.dryRun("source", null, "ec2:CreateSecurityGroup", { GroupName: "holdfast-doctor", Description: "doctor", VpcId }, signal),
    );
  for (const { NetworkInterfaceId, Groups } of instance.NetworkInterfaces ?? []) {
    if (NetworkInterfaceId === undefined) continue;
    const input = { NetworkInterfaceId, Groups: (Groups ?? []).map(({ GroupId }) => GroupId ?? "") };
    told(
      "ec2:ModifyNetworkInterfaceAttribute",
      NetworkInterfaceId,
      await aws.link.dryRun("source", null, "ec2:ModifyNetworkInterfaceAttribute", input, signal),
    );
  }
  answers.push({
    probe: "isolation",
    ok: true,
    fatal: false,
    text: "not tried, since the groups are not made yet: AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress, RevokeSecurityGroupEgress, DeleteSecurityGroup",
  });
  return answers;
}
