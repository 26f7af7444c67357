import type { CallName } from "../calls/calls.ts";
import { byMarker, type StateCall, stateCall } from "./call.ts";

/** What profileCalls may ask, with the call that finds the profile. */
export const profileCallNames: readonly CallName[] = [
  "ec2:DescribeIamInstanceProfileAssociations",
  "iam:GetInstanceProfile",
  "iam:GetRole",
  "iam:ListAttachedRolePolicies",
  "iam:GetPolicy",
  "iam:GetPolicyVersion",
  "iam:ListRolePolicies",
  "iam:GetRolePolicy",
];

const gone = ["NoSuchEntity"];

/** An instance profile, the role in it, and all that the role may do. */
export function profileCalls(arn: string): readonly StateCall[] {
  return [
    stateCall({
      name: "iam:GetInstanceProfile",
      input: { InstanceProfileName: lastOf(arn) },
      none: { codes: gone, means: "the profile was deleted, and the instance still names it" },
      follow: ({ InstanceProfile: profile }) => (profile?.Roles ?? []).flatMap(({ RoleName: role }) => (role === undefined ? [] : roleCalls(role))),
    }),
  ];
}

function roleCalls(role: string): readonly StateCall[] {
  return [
    stateCall({
      name: "iam:GetRole",
      input: { RoleName: role },
      none: { codes: gone, means: "the role was deleted meanwhile" },
      follow: ({ Role: found }) => {
        const boundary = found?.PermissionsBoundary?.PermissionsBoundaryArn;
        return boundary === undefined ? [] : [policyCall(boundary)];
      },
    }),
    stateCall({
      name: "iam:ListAttachedRolePolicies",
      input: { RoleName: role },
      next: byMarker,
      follow: ({ AttachedPolicies: all = [] }) => all.flatMap(({ PolicyArn: arn }) => (arn === undefined ? [] : policyCall(arn))),
    }),
    stateCall({
      name: "iam:ListRolePolicies",
      input: { RoleName: role },
      next: byMarker,
      follow: ({ PolicyNames: names = [] }) =>
        names.map((name) =>
          stateCall({
            name: "iam:GetRolePolicy",
            input: { RoleName: role, PolicyName: name },
            none: { codes: gone, means: "the policy was deleted since it was listed" },
          }),
        ),
    }),
  ];
}

function policyCall(arn: string): StateCall {
  return stateCall({
    name: "iam:GetPolicy",
    input: { PolicyArn: arn },
    none: { codes: gone, means: "the policy was deleted since it was listed" },
    follow: ({ Policy: policy }) =>
      policy?.DefaultVersionId === undefined
        ? []
        : [stateCall({ name: "iam:GetPolicyVersion", input: { PolicyArn: arn, VersionId: policy.DefaultVersionId } })],
  });
}

function lastOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
