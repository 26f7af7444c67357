import { HoldfastError } from "../../../src/core/error.ts";
import type { Containment, Step, Wish } from "../../../src/core/plan.ts";
import type { Aws } from "../aws.ts";
import { identityBefore, sharedText } from "./identity.ts";
import { networkBefore } from "./network.ts";
import { userNames } from "./users.ts";
import { openText } from "./words.ts";
import type { Look } from "../look.ts";
import { rank, type StepDraft, stepOf } from "../room.ts";

/** What was asked for, with what it will hit. Rejects with `usage` where it would cut off Holdfast itself. */
export async function containSteps(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<readonly Step[]> {
  const { contain } = wish;
  if (contain === null) return [];
  const keeps = keepsWay(wish, look);
  return [
    ...(contain.network ? await networkSteps(aws, contain, keeps, signal) : []),
    ...(contain.identity ? [await identityStep(aws, contain, keeps, signal)] : []),
    ...(contain.users.length > 0 ? [await usersStep(aws, contain, signal)] : []),
  ];
}

/** Memory is taken through the agent in the guest: isolation that comes first must leave it its way. */
function keepsWay({ kinds, contain }: Wish, { instance }: Look): boolean {
  const memory = kinds === null || kinds.includes("memory");
  return contain?.when === "now" && memory && instance.State?.Name === "running";
}

function place({ when }: Containment): Pick<StepDraft, "lane" | "rank" | "after"> {
  return when === "now" ? { lane: "first", rank: rank.isolateNow } : { lane: "contain", rank: rank.isolate, after: ["memory"] };
}

const isolationCalls = [
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSecurityGroupRules",
  "ec2:CreateSecurityGroup",
  "ec2:RevokeSecurityGroupEgress",
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:AuthorizeSecurityGroupEgress",
  "ec2:ModifyNetworkInterfaceAttribute",
] as const;

export const parts = ["network", "close", "identity", "users"] as const;
export type Part = (typeof parts)[number];

const common = { room: "contain", does: "act", kind: "containment", exclusive: true } as const;

async function networkSteps(aws: Aws, contain: Containment, keepSsm: boolean, signal: AbortSignal): Promise<readonly Step[]> {
  const now = await networkBefore(aws, keepSsm, signal);
  const about =
    now.kind === "no"
      ? `its network interfaces could not be looked at: ${now.text}`
      : [now.faces.map(({ id, fixed }) => (fixed === null ? id : `${id} CANNOT be changed: ${fixed}`)).join(", "), ...openText(now.ways)].join(". ");
  const network = stepOf({
    ...common,
    ...place(contain),
    id: "isolate:network",
    title: `Cut the network of all interfaces, with connections that are open (each is open both ways for a moment on its way into quarantine): ${about}`,
    calls: [...(keepSsm ? (["ec2:DescribeVpcEndpoints", "ec2:DescribeRouteTables"] as const) : []), ...isolationCalls],
    undoable: true,
    input: { part: "network", keepSsm },
  });
  if (!keepSsm) return [network];
  const close = stepOf({
    ...common,
    id: "isolate:close",
    lane: "contain",
    rank: rank.isolate,
    after: ["memory"],
    title: "Close the way that was left open for memory, and cut what began there",
    calls: isolationCalls,
    input: { part: "close" },
  });
  return [network, close];
}

async function identityStep(aws: Aws, contain: Containment, keeps: boolean, signal: AbortSignal): Promise<Step> {
  const now = await identityBefore(aws, signal);
  const self = await aws.link.identity("source", signal);
  if (now.kind === "role" && now.role !== null && self.arn.includes(`:assumed-role/${now.role}/`))
    throw new HoldfastError("usage", `--identity: Holdfast itself works with role ${now.role}, which would be revoked; use other credentials`);
  const about =
    now.kind === "no"
      ? `it could not be looked at: ${now.text}`
      : now.kind === "none"
        ? "it has none"
        : `profile ${now.profile}; ${now.role === null ? "there is no role in it" : `all sessions of role ${now.role} are denied everything, in whosever hands${sharedText(now)}`}`;
  return stepOf({
    ...common,
    // The agent that takes memory works with this very role.
    ...(keeps ? place({ ...contain, when: "after-memory" }) : place(contain)),
    id: "isolate:identity",
    title: `Take the instance's role away and revoke its sessions${keeps ? ", after memory, since the agent needs it" : ""}: ${about}`,
    calls: [
      "ec2:DescribeIamInstanceProfileAssociations",
      "iam:GetInstanceProfile",
      "ec2:DisassociateIamInstanceProfile",
      "iam:PutRolePolicy",
      "iam:GetRolePolicy",
    ],
    undoable: true,
    input: { part: "identity" },
  });
}

async function usersStep(aws: Aws, contain: Containment, signal: AbortSignal): Promise<Step> {
  const users = userNames(aws, contain.users);
  const { arn } = await aws.link.identity("source", signal);
  const self = users.find((user) => arn.includes(":user/") && arn.endsWith(`/${user}`));
  if (self !== undefined)
    throw new HoldfastError("usage", `--identity-user: Holdfast itself works with a key of ${self}, which would be disabled; use other credentials`);
  return stepOf({
    ...common,
    ...place(contain),
    id: "isolate:users",
    title: `Disable all access keys of ${users.join(", ")}; their passwords and open sessions are not touched`,
    calls: ["iam:ListAccessKeys", "iam:UpdateAccessKey"],
    undoable: true,
    input: { part: "users", users },
  });
}
