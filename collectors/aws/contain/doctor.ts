import type { Wish } from "../../../src/core/plan.ts";
import type { ProbeAnswer } from "../../../src/core/vault.ts";
import type { Aws } from "../aws.ts";
import { type Got, refusedBy } from "./no.ts";
import { lookAtRole, type RoleLook } from "./role.ts";
import { type UsersBefore, userNames, usersBefore } from "./users.ts";
import type { Answer } from "../client/link.ts";
import type { Look } from "../look.ts";

/** Dry runs of what isolation would do to the instance as it is; rights on groups that are not made yet cannot be tried. */
export async function containDoctor(aws: Aws, look: Look, { contain }: Wish, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  if (contain === null) return [];
  return [
    ...(contain.network ? await networkProbes(aws, look, signal) : []),
    ...(contain.identity ? identityProbes(await lookAtRole(aws, signal)) : []),
    ...(contain.users.length > 0 ? userProbes(await usersBefore(aws, userNames(aws, contain.users), signal)) : []),
  ];
}

function identityProbes(look: Got<RoleLook | null>): readonly ProbeAnswer[] {
  if (look.kind === "no") return [{ probe: "identity isolation", ok: false, fatal: true, text: look.text }];
  const seen = look.value === null ? "the instance has no instance profile" : `profile ${look.value.profile}, role ${look.value.role ?? "none"}`;
  return [
    { probe: "identity isolation", ok: true, fatal: false, text: seen },
    untried("identity isolation", "DisassociateIamInstanceProfile, AssociateIamInstanceProfile, PutRolePolicy, DeleteRolePolicy: they have no dry run"),
  ];
}

function userProbes({ users }: UsersBefore): readonly ProbeAnswer[] {
  const seen = Object.entries(users).map(
    ([user, keys]): ProbeAnswer =>
      "kind" in keys
        ? { probe: "users' keys", ok: false, fatal: true, text: `${user}: ${keys.text}` }
        : { probe: "users' keys", ok: true, fatal: false, text: `${user}: ${keys.length} active access keys` },
  );
  return [...seen, untried("users' keys", "UpdateAccessKey: it has no dry run")];
}

function untried(probe: string, what: string): ProbeAnswer {
  return { probe, ok: true, fatal: false, text: `not tried: ${what}` };
}

async function networkProbes(aws: Aws, { instance }: Look, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  const answers: ProbeAnswer[] = [];
  const told = (call: "ec2:CreateSecurityGroup" | "ec2:ModifyNetworkInterfaceAttribute", on: string, answer: Answer<null>): void => {
    const probe = "isolation";
    if (answer.kind === "answer") answers.push({ probe, ok: true, fatal: false, text: `${call} on ${on} would be allowed` });
    else answers.push({ probe, ok: false, fatal: true, text: `${on}: ${refusedBy(answer).text}` });
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
  const groups = "AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress, RevokeSecurityGroupEgress, DeleteSecurityGroup: the groups are not made yet";
  return [...answers, untried("isolation", groups)];
}
