import { born, victimPlace, worldNames } from "./aws-world-names.ts";
import type { ScalingGroup, ScalingWorld } from "./autoscaling.ts";
import type { ElbWorld } from "./elbv2.ts";
import { iamAccount, type IamWorld, iamWorld } from "./iam-world.ts";
import { type FakeKey, userKey } from "./key-ring.ts";
import type { StsWorld } from "./sts.ts";

export type WorldUsers = {
  /** Whose keys the collection starts with. */
  readonly collector: FakeKey;
  /** The attacker: a user of the victim's account. */
  readonly mallory: FakeKey;
  /** Of the evidence account, to look at what came there. */
  readonly keeper: FakeKey;
};

export type WorldAccount = {
  readonly users: WorldUsers;
  readonly iam: IamWorld;
  readonly sts: StsWorld;
  readonly scaling: ScalingWorld;
  readonly group: ScalingGroup;
  readonly elb: ElbWorld;
};

/** People, roles, the group that keeps the machine alive and the balancer before it. */
export function plantAccount(credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null): WorldAccount {
  const { account, evidence, instance, web } = worldNames;
  const users: WorldUsers = {
    collector: { ...userKey(account, "collector"), ...credentials },
    mallory: userKey(account, "mallory"),
    keeper: userKey(evidence, "keeper"),
  };
  const iam = iamWorld();
  const victim = iamAccount();
  const statement = (Action: string, Resource: string): unknown => ({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] });
  const policy = `arn:aws:iam::${account}:policy/web`;
  victim.policies.push({ arn: policy, created: born, defaultVersion: "v1", versions: { v1: statement("s3:GetObject", "arn:aws:s3:::web-data/*") } });
  victim.roles.set(web, {
    name: web,
    created: born,
    trust: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }] },
    attached: [policy],
    inline: new Map([["queue", JSON.stringify(statement("sqs:SendMessage", "*"))]]),
  });
  victim.profiles.set(web, { role: web, created: born });
  for (const key of [users.collector, users.mallory]) {
    const name = key.arn.split("/").at(-1) ?? "";
    victim.users.set(name, { name, created: born, inline: new Map(), keys: [{ id: key.accessKeyId, created: born, status: "Active" }] });
  }
  iam.accounts.set(account, victim);
  iam.accounts.set(evidence, iamAccount());
  const role = { arn: worldNames.evidenceRole, trusts: [account], externalId: worldNames.externalId };
  const group: ScalingGroup = {
    ...victimPlace,
    name: worldNames.scalingGroup,
    zone: `${worldNames.region}a`,
    min: 0,
    max: 2,
    desired: 1,
    created: born,
    instances: [{ id: instance, state: "InService", protected: false }],
    suspended: new Set(),
    activities: [],
  };
  return { users, iam, sts: { assumable: new Map([[role.arn, role]]) }, scaling: { groups: [group] }, group, elb: { balancers: [balancer()] } };
}

function balancer(): ElbWorld["balancers"][number] {
  return {
    ...victimPlace,
    arn: worldNames.balancer,
    name: "web",
    type: "application",
    vpc: "vpc-0123456789abcdef0",
    created: born,
    logs: { bucket: worldNames.buckets.balancer, prefix: "web" },
    targetGroups: [
      {
        arn: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef",
        name: "web",
        targets: [worldNames.instance],
      },
    ],
  };
}
