/** Networks, flow-log settings and instance profiles of the EC2 stand-in, as plain mutable state. Flows: ec2-flows.ts. */
export type Tags = Map<string, string>;

/** Everything here lies in one account and one Region. */
type Place = { readonly account: string; readonly region: string };

export type Vpc = Place & {
  readonly id: string;
  readonly cidr: string /** With IPv6, a new group also gets egress to ::/0. */;
  readonly ipv6Cidr?: string;
  readonly isDefault: boolean;
};

export type Subnet = Place & {
  readonly id: string;
  readonly vpc: string;
  readonly cidr: string;
  readonly zone: string;
  readonly mapPublicIp: boolean;
  readonly tags: Tags;
};

export type Interface = Place & {
  readonly id: string;
  readonly subnet: string;
  readonly vpc: string;
  description: string;
  readonly mac: string;
  /** The first is the primary one. */
  readonly privateAddresses: readonly string[];
  readonly ipv6Addresses: readonly string[];
  readonly publicAddress: string | null;
  groups: readonly string[];
  attachment: { readonly id: string; readonly instance: string; readonly deviceIndex: number; readonly at: Date; deleteOnTermination: boolean } | null;
  sourceDestCheck: boolean;
  /** Made by a service (a load balancer, an endpoint): `requester` is its name, and nobody else may change it. */
  readonly managed: { readonly requester: string; readonly type: string } | null;
  /** Idle time-outs in seconds, where they are set. */
  tracking: { tcpEstablished?: number; udpStream?: number; udp?: number } | null;
  readonly tags: Tags;
};

/** Exactly one peer, as EC2 has had it since rules have ids. */
export type RulePeer =
  | { readonly kind: "ipv4"; readonly cidr: string }
  | { readonly kind: "ipv6"; readonly cidr: string }
  | { readonly kind: "prefix-list"; readonly id: string }
  | { readonly kind: "group"; readonly group: string; readonly account: string };

export type GroupRule = {
  readonly id: string;
  readonly egress: boolean;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all. */
  readonly protocol: string;
  /** Ports, or type and code of ICMP; null where the protocol has none. */
  readonly from: number | null;
  readonly to: number | null;
  readonly peer: RulePeer;
  readonly description: string | null;
  readonly tags: Tags;
};

export type SecurityGroup = Place & {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly vpc: string;
  rules: readonly GroupRule[];
  readonly tags: Tags;
};

/** `target` is named as in the answer: `gatewayId`, `natGatewayId`, `networkInterfaceId`… */
export type Route = {
  readonly destination: string;
  readonly target: { readonly name: string; readonly id: string };
  readonly state: "active" | "blackhole";
  readonly origin: "CreateRouteTable" | "CreateRoute";
};

export type RouteTable = Place & {
  readonly id: string;
  readonly vpc: string;
  /** The main table of the VPC has one association without a subnet. */
  readonly associations: readonly { readonly id: string; readonly subnet: string | null }[];
  routes: readonly Route[];
  readonly tags: Tags;
};

type AclEntry = {
  readonly number: number;
  readonly egress: boolean;
  /** A number as text, -1 for all. */
  readonly protocol: string;
  readonly action: "allow" | "deny";
  readonly cidr: string;
  readonly ports?: { readonly from: number; readonly to: number };
};

export type NetworkAcl = Place & {
  readonly id: string;
  readonly vpc: string;
  readonly isDefault: boolean;
  readonly associations: readonly { readonly id: string; readonly subnet: string }[];
  entries: readonly AclEntry[];
  readonly tags: Tags;
};

export type VpcEndpoint = Place & {
  readonly id: string;
  readonly vpc: string;
  readonly type: "Interface" | "Gateway";
  /** `com.amazonaws.eu-west-1.ssm` */
  readonly service: string;
  readonly privateDns: boolean;
  readonly subnets: readonly string[];
  readonly routeTables: readonly string[];
  groups: readonly string[];
  readonly interfaces: readonly string[];
  readonly created: Date;
  readonly tags: Tags;
};

export type FlowLog = Place & {
  readonly id: string;
  /** An interface, a subnet or a VPC. */
  readonly resource: string;
  readonly traffic: "ALL" | "ACCEPT" | "REJECT";
  readonly destination:
    | { readonly kind: "cloud-watch-logs"; readonly group: string; readonly roleArn: string }
    | { readonly kind: "s3"; readonly arn: string; readonly format: "plain-text" | "parquet"; readonly hive: boolean; readonly perHour: boolean }
    | { readonly kind: "kinesis-data-firehose"; readonly arn: string };
  /** Null is the default format. */
  readonly format: string | null;
  readonly created: Date;
  readonly interval: 60 | 600;
  /** FAILED with what EC2 says of it. */
  delivery: { readonly status: "SUCCESS" } | { readonly status: "FAILED"; readonly message: string };
  readonly tags: Tags;
};

export type ProfileAssociation = Place & {
  readonly id: string;
  readonly instance: string;
  readonly profileArn: string;
  state: "associating" | "associated" | "disassociating" | "disassociated";
  at: Date;
  /** So many looks more until it is where it goes. */
  waits: number;
};

/** A connection through an interface, begun under the groups that it had then. */
export type Flow = {
  readonly interface: string;
  /** Who began it: the instance (out) or the remote (in). */
  readonly begun: "in" | "out";
  readonly protocol: "tcp" | "udp";
  readonly remote: string;
  /** The port that the one who began it connected to. */
  readonly port: number;
  /**
   * Through a NAT gateway, a load balancer, PrivateLink or another of the paths on which EC2 tracks every connection, open groups or
   * not (User Guide, "Automatically tracked connections").
   */
  readonly tracked: "by-rules" | "always";
  /** Where in the interface's `history` it began. */
  readonly since: number;
};

/** A rule with the addresses that its peer stood for at the time. */
export type Reach = Pick<GroupRule, "egress" | "protocol" | "from" | "to"> & { readonly cidrs: readonly string[] };

export type Ec2Network = {
  readonly vpcs: Vpc[];
  readonly subnets: Subnet[];
  readonly interfaces: Interface[];
  readonly groups: SecurityGroup[];
  readonly routeTables: RouteTable[];
  readonly networkAcls: NetworkAcl[];
  readonly vpcEndpoints: VpcEndpoint[];
  readonly flowLogs: FlowLog[];
  readonly profileAssociations: ProfileAssociation[];
  readonly flows: Flow[];
  /** What the groups of an interface with flows permitted, after each change, oldest first. */
  readonly history: Map<string, (readonly Reach[])[]>;
  /** Addresses behind a prefix list. */
  readonly prefixLists: Map<string, readonly string[]>;
  /** So often (at least once) an association that is on its way is met so, before it is where it goes. */
  profileWaits: number;
  /** Whether an instance may have a profile; null where EC2 does not know it. Part 1 of the stand-in says so. */
  instanceState: (account: string, region: string, instance: string) => string | null;
  /** Ids that were given out, so that the next is another. */
  made: number;
};

export function ec2Network(): Ec2Network {
  return {
    vpcs: [],
    subnets: [],
    interfaces: [],
    groups: [],
    routeTables: [],
    networkAcls: [],
    vpcEndpoints: [],
    flowLogs: [],
    profileAssociations: [],
    flows: [],
    history: new Map(),
    prefixLists: new Map(),
    profileWaits: 1,
    instanceState: () => "running",
    made: 0,
  };
}

/** Seventeen digits; tests plant theirs with another first one. */
export function newId(network: Ec2Network, prefix: string): string {
  network.made += 1;
  return `${prefix}-f${network.made.toString(16).padStart(16, "0")}`;
}

export function here<T extends Place>(all: readonly T[], place: Place): readonly T[] {
  return all.filter(({ account, region }) => account === place.account && region === place.region);
}
