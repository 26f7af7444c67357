import type { Ec2Network, GroupRule, Interface, SecurityGroup, VpcEndpoint } from "./ec2-network-world.ts";

export type PlantedNetwork = {
  readonly vpc: string;
  /** Public, where the instance's first interface is, and private, where its second one and the endpoints are. */
  readonly subnets: readonly [string, string];
  readonly interfaces: readonly [Interface, Interface];
  /** Of a load balancer: nobody but it may change it. */
  readonly managed: Interface;
  /** Lets in 443 from anywhere and 22 from the office, and everything out. */
  readonly web: SecurityGroup;
  readonly database: SecurityGroup;
  readonly byDefault: SecurityGroup;
  readonly endpoints: readonly VpcEndpoint[];
  readonly flowLogs: { readonly interface: string; readonly subnet: string; readonly vpc: string };
  readonly association: string;
};

const born = new Date("2026-01-01T00:00:00.000Z");
export const office = "198.51.100.0/24";

/** An instance with two interfaces in a VPC as one finds them: endpoints for SSM, three flow logs, a profile named `web`. */
export function plantNetwork(network: Ec2Network, place: { readonly account: string; readonly region: string }, instance: string): PlantedNetwork {
  const { account, region } = place;
  const here = { account, region };
  const vpc = "vpc-0123456789abcdef0";
  const [open, closed] = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] as const;
  const group = (digit: number, name: string, rules: readonly GroupRule[]): SecurityGroup => {
    const made = { ...here, id: `sg-0123456789abcdef${digit}`, name, description: `${name} group`, vpc, rules, tags: new Map([["Name", name]]) };
    network.groups.push(made);
    return made;
  };
  const anywhere = { kind: "ipv4", cidr: "0.0.0.0/0" } as const;
  const byDefault = group(0, "default", [rule(0, true, anywhere, null)]);
  const web = group(1, "web", [rule(1, false, anywhere, 443), rule(2, false, { kind: "ipv4", cidr: office }, 22), rule(3, true, anywhere, null)]);
  const database = group(2, "database", [rule(4, false, { kind: "group", group: web.id, account }, 5432), rule(5, true, anywhere, null)]);
  const inside = group(3, "endpoints", [rule(6, false, { kind: "ipv4", cidr: "10.0.0.0/16" }, 443)]);
  const face = (digit: number, more: Partial<Interface>): Interface => {
    const made: Interface = {
      ...here,
      id: `eni-0123456789abcdef${digit}`,
      subnet: open,
      vpc,
      description: "",
      mac: `02:00:00:00:00:0${digit}`,
      privateAddresses: [`10.0.0.1${digit}`],
      ipv6Addresses: [],
      publicAddress: null,
      groups: [web.id],
      attachment: null,
      sourceDestCheck: true,
      managed: null,
      tracking: null,
      tags: new Map(),
      ...more,
    };
    network.interfaces.push(made);
    return made;
  };
  const attached = (deviceIndex: number): NonNullable<Interface["attachment"]> => ({
    id: `eni-attach-0123456789abcdef${deviceIndex}`,
    instance,
    deviceIndex,
    at: born,
    deleteOnTermination: deviceIndex === 0,
  });
  const interfaces = [
    face(0, { publicAddress: "203.0.113.10", attachment: attached(0) }),
    face(1, { subnet: closed, privateAddresses: ["10.0.1.11", "10.0.1.12"], groups: [database.id], attachment: attached(1) }),
  ] as const;
  const managed = face(2, { description: "ELB app/web/0123456789abcdef", managed: { requester: "amazon-elb", type: "interface" } });
  const endpoint = (digit: number, service: string): VpcEndpoint => {
    const made: VpcEndpoint = {
      ...here,
      id: `vpce-0123456789abcdef${digit}`,
      vpc,
      type: service === "s3" ? "Gateway" : "Interface",
      service: `com.amazonaws.${region}.${service}`,
      privateDns: service !== "s3",
      subnets: service === "s3" ? [] : [closed],
      routeTables: service === "s3" ? ["rtb-0123456789abcdef1"] : [],
      groups: service === "s3" ? [] : [inside.id],
      interfaces: [],
      created: born,
      tags: new Map(),
    };
    network.vpcEndpoints.push(made);
    return made;
  };
  const endpoints = ["ssm", "ssmmessages", "ec2messages", "s3"].map((service, i) => endpoint(i, service));
  network.vpcs.push({ ...here, id: vpc, cidr: "10.0.0.0/16", isDefault: false });
  for (const [i, id] of [open, closed].entries())
    network.subnets.push({ ...here, id, vpc, cidr: `10.0.${i}.0/24`, zone: `${region}a`, mapPublicIp: i === 0, tags: new Map() });
  plantRoutes(network, here, vpc, [open, closed]);
  const flowLogs = plantFlowLogs(network, here, { interface: interfaces[0].id, subnet: open, vpc });
  const association = "iip-assoc-0123456789abcdef0";
  const profileArn = `arn:aws:iam::${account}:instance-profile/web`;
  network.profileAssociations.push({ ...here, id: association, instance, profileArn, state: "associated", at: born, waits: 0 });
  return { vpc, subnets: [open, closed], interfaces, managed, web, database, byDefault, endpoints, flowLogs, association };
}

function rule(digit: number, egress: boolean, peer: GroupRule["peer"], port: number | null): GroupRule {
  return { id: `sgr-0123456789abcdef${digit}`, egress, protocol: port === null ? "-1" : "tcp", from: port, to: port, peer, description: null, tags: new Map() };
}

type Here = { readonly account: string; readonly region: string };

function plantRoutes(network: Ec2Network, here: Here, vpc: string, [open, closed]: readonly [string, string]): void {
  const local = { destination: "10.0.0.0/16", target: { name: "gatewayId", id: "local" }, state: "active", origin: "CreateRouteTable" } as const;
  const gateway = { destination: "0.0.0.0/0", target: { name: "gatewayId", id: "igw-0123456789abcdef0" }, state: "active", origin: "CreateRoute" } as const;
  const translator = { ...gateway, target: { name: "natGatewayId", id: "nat-0123456789abcdef0" } };
  const tables = [
    { id: "rtb-0123456789abcdef0", routes: [local, gateway], associations: [{ id: "rtbassoc-0123456789abcdef0", subnet: open }] },
    { id: "rtb-0123456789abcdef1", routes: [local, translator], associations: [{ id: "rtbassoc-0123456789abcdef1", subnet: null }] },
  ];
  for (const table of tables) network.routeTables.push({ ...here, vpc, ...table, tags: new Map() });
  const entry = (egress: boolean, number: number, action: "allow" | "deny") => ({ number, egress, protocol: "-1", action, cidr: "0.0.0.0/0" });
  network.networkAcls.push({
    ...here,
    id: "acl-0123456789abcdef0",
    vpc,
    isDefault: true,
    associations: [open, closed].map((subnet, i) => ({ id: `aclassoc-0123456789abcdef${i}`, subnet })),
    entries: [false, true].flatMap((egress) => [entry(egress, 100, "allow"), entry(egress, 32_767, "deny")]),
    tags: new Map(),
  });
}

function plantFlowLogs(network: Ec2Network, here: Here, of: PlantedNetwork["flowLogs"]): PlantedNetwork["flowLogs"] {
  const common = {
    ...here,
    traffic: "ALL",
    format: null,
    created: born,
    interval: 60,
    delivery: { status: "SUCCESS" },
    tags: new Map<string, string>(),
  } as const;
  const roleArn = `arn:aws:iam::${here.account}:role/flow-logs`;
  const ids = { interface: "fl-0123456789abcdef0", subnet: "fl-0123456789abcdef1", vpc: "fl-0123456789abcdef2" };
  const arn = "arn:aws:s3:::flow-logs/vpc/";
  network.flowLogs.push(
    { ...common, id: ids.interface, resource: of.interface, destination: { kind: "cloud-watch-logs", group: "flow/web", roleArn } },
    { ...common, id: ids.subnet, resource: of.subnet, destination: { kind: "s3", arn, format: "plain-text", hive: false, perHour: false } },
    { ...common, id: ids.vpc, resource: of.vpc, destination: { kind: "s3", arn, format: "parquet", hive: true, perHour: true }, interval: 600 },
  );
  return ids;
}
