/** Load balancers: which there are, where their access logs go, and behind which an instance stands. */
import { numberOf, requiredText, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

type LoadBalancer = {
  readonly arn: string;
  readonly name: string;
  readonly type: "application" | "network";
  readonly account: string;
  readonly region: string;
  readonly vpc: string;
  readonly created: Date;
  /** null: access logs are off. */
  readonly logs: { readonly bucket: string; readonly prefix: string } | null;
  readonly targetGroups: readonly { readonly arn: string; readonly name: string; readonly targets: readonly string[] }[];
};
export type ElbWorld = { readonly balancers: LoadBalancer[] };

export function elbService(world: ElbWorld): Service {
  const here = (call: Call): readonly LoadBalancer[] => world.balancers.filter((one) => one.account === call.account && one.region === call.region);
  const balancer = (call: Call, arn: string): LoadBalancer => {
    const one = here(call).find((candidate) => candidate.arn === arn);
    if (one === undefined) throw new AwsRefusal("LoadBalancerNotFound", `Load balancer '${arn}' not found`);
    return one;
  };
  return {
    name: "elasticloadbalancing",
    protocol: "query",
    version: "2015-12-01",
    namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    operations: {
      DescribeLoadBalancers: (call) => {
        const arns = textsOf(call.params, "LoadBalancerArns");
        const names = textsOf(call.params, "Names");
        for (const arn of arns) balancer(call, arn);
        for (const name of names)
          if (!here(call).some((one) => one.name === name)) throw new AwsRefusal("LoadBalancerNotFound", `Load balancers '[${name}]' not found`);
        const all = here(call).filter((one) => (arns.length === 0 || arns.includes(one.arn)) && (names.length === 0 || names.includes(one.name)));
        return listed(call, "LoadBalancers", all.map(shown));
      },
      DescribeLoadBalancerAttributes: (call) => ({ xml: { Attributes: { member: attributes(balancer(call, requiredText(call.params, "LoadBalancerArn"))) } } }),
      DescribeTargetGroups: (call) => {
        const arn = textOf(call.params, "LoadBalancerArn");
        const from = arn === null ? here(call) : [balancer(call, arn)];
        return listed(call, "TargetGroups", from.flatMap(shownGroups));
      },
      DescribeTargetHealth: (call) => {
        const arn = requiredText(call.params, "TargetGroupArn");
        const group = here(call)
          .flatMap(({ targetGroups }) => targetGroups)
          .find((one) => one.arn === arn);
        if (group === undefined) throw new AwsRefusal("TargetGroupNotFound", `Target groups '${arn}' not found`);
        return {
          xml: {
            TargetHealthDescriptions: {
              member: group.targets.map((Id) => ({ Target: { Id, Port: 443 }, HealthCheckPort: "443", TargetHealth: { State: "healthy" } })),
            },
          },
        };
      },
    },
  };
}

function listed(call: Call, name: string, all: readonly XmlObject[]): Reply {
  const { items, next } = pageOf(() => all, {
    size: numberOf(call.params, "PageSize") ?? 400,
    token: textOf(call.params, "Marker"),
    request: requestOf(call, "Marker"),
    now: call.now,
    bad: () => new AwsRefusal("ValidationError", "The marker is not valid."),
  });
  return { xml: { [name]: { member: items }, NextMarker: next } };
}

function shown(one: LoadBalancer): XmlObject {
  return {
    LoadBalancerArn: one.arn,
    DNSName: `${one.name}-1234567890.${one.region}.elb.amazonaws.com`,
    CreatedTime: one.created,
    LoadBalancerName: one.name,
    Scheme: "internet-facing",
    VpcId: one.vpc,
    State: { Code: "active" },
    Type: one.type,
    IpAddressType: "ipv4",
  };
}

function attributes({ logs }: LoadBalancer): readonly XmlObject[] {
  return [
    { Key: "access_logs.s3.enabled", Value: String(logs !== null) },
    { Key: "access_logs.s3.bucket", Value: logs?.bucket ?? "" },
    { Key: "access_logs.s3.prefix", Value: logs?.prefix ?? "" },
    { Key: "deletion_protection.enabled", Value: "false" },
  ];
}

function shownGroups(one: LoadBalancer): readonly XmlObject[] {
  return one.targetGroups.map((group) => ({
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: one.type === "application" ? "HTTPS" : "TCP",
    Port: 443,
    VpcId: one.vpc,
    HealthCheckEnabled: true,
    LoadBalancerArns: { member: [one.arn] },
    TargetType: "instance",
  }));
}
