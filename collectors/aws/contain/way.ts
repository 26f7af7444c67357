import type { Aws } from "../aws.ts";
import type { GroupRule } from "./rules.ts";
import { type Got, got, refusedBy } from "./no.ts";
import { interfacesWith } from "./interfaces.ts";
import type { Output } from "../client/link.ts";
import { allPages } from "../client/pages.ts";

type Endpoint = NonNullable<Output<"ec2:DescribeVpcEndpoints">["VpcEndpoints"]>[number];

/**
 * What must stay open while memory is still to be taken: Systems Manager, and S3 for the bytes. Through the VPC's endpoints where it
 * has all of them; else there is no address to name, and HTTPS stays open to anywhere. `why` says what was missing.
 */
export type Way =
  | { readonly kind: "closed" }
  | { readonly kind: "endpoints"; readonly ssm: readonly string[]; readonly s3: readonly string[] }
  | { readonly kind: "internet"; readonly why: string };

/** What the agent works with; ec2messages is for agents before 3.3. */
const needed = ["ssm", "ssmmessages"] as const;
/** A security group holds 60 rules of one direction, unless the account has asked for more. */
const most = 60;

export async function wayOf(aws: Aws, vpc: string, signal: AbortSignal): Promise<Way> {
  const endpoints = await endpointsOf(aws, vpc, signal);
  if (endpoints.kind === "no") return { kind: "internet", why: `the endpoints of ${vpc} could not be looked at (${endpoints.text})` };
  const named = (service: string): readonly Endpoint[] =>
    endpoints.value.filter((one) => one.State?.toLowerCase() === "available" && one.ServiceName?.endsWith(`.${aws.instance.region}.${service}`) === true);
  // Without private DNS names the agent does not know of the endpoint.
  const inside = (service: string): readonly Endpoint[] =>
    named(service).filter((one) => one.VpcEndpointType === "Interface" && one.PrivateDnsEnabled === true);
  const lacking: string[] = needed.filter((service) => inside(service).length === 0);
  const gateways = named("s3").filter((one) => one.VpcEndpointType === "Gateway");
  if (gateways.length === 0 && inside("s3").length === 0) lacking.push("s3");
  if (lacking.length > 0) return { kind: "internet", why: `${vpc} has no endpoint for ${lacking.join(", ")}` };
  const ssm = await addressesOf(aws, [...needed, "ec2messages"].flatMap(inside), signal);
  if (ssm.kind === "no") return { kind: "internet", why: ssm.text };
  const s3 = await addressesOf(aws, inside("s3"), signal);
  if (s3.kind === "no") return { kind: "internet", why: s3.text };
  const lists = await prefixListsOf(aws, vpc, new Set(gateways.map((one) => one.VpcEndpointId ?? "")), signal);
  if (lists.kind === "no") return { kind: "internet", why: lists.text };
  const toS3 = [...s3.value, ...lists.value];
  if (ssm.value.length === 0 || toS3.length === 0) return { kind: "internet", why: `no addresses are known for the endpoints of ${vpc}` };
  if (ssm.value.length > most || s3.value.length > most) return { kind: "internet", why: `the endpoints of ${vpc} have more addresses than a group has rules` };
  return { kind: "endpoints", ssm: ssm.value, s3: toS3 };
}

/** The rules of the groups that keep a way open; the quarantine itself has none. */
export function openings(way: Way): readonly { readonly use: "ssm" | "s3" | "internet"; readonly rules: readonly GroupRule[] }[] {
  const https = (peers: readonly string[]): readonly GroupRule[] => peers.map((peer) => ({ egress: true, port: 443, peer }));
  switch (way.kind) {
    case "closed":
      return [];
    case "endpoints":
      return [
        { use: "ssm", rules: https(way.ssm) },
        // A prefix list counts as many rules as it may hold entries: S3's fills a group alone.
        { use: "s3", rules: https(way.s3) },
      ];
    case "internet":
      return [{ use: "internet", rules: https(["0.0.0.0/0", "::/0"]) }];
    default:
      return way satisfies never;
  }
}

async function endpointsOf(aws: Aws, vpc: string, signal: AbortSignal): Promise<Got<readonly Endpoint[]>> {
  const call = "ec2:DescribeVpcEndpoints";
  const Filters = [{ Name: "vpc-id", Values: [vpc] }];
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters, MaxResults: 1000, ...from }, signal));
  return read.kind === "refused" ? refusedBy(read) : got(read.pages.flatMap(({ VpcEndpoints = [] }) => VpcEndpoints));
}

/** Of the endpoints' own interfaces, as CIDR blocks. */
async function addressesOf(aws: Aws, endpoints: readonly Endpoint[], signal: AbortSignal): Promise<Got<readonly string[]>> {
  const ids = endpoints.flatMap((one) => one.NetworkInterfaceIds ?? []);
  if (ids.length === 0) return got([]);
  const found = await interfacesWith(aws, { name: "network-interface-id", values: ids }, signal);
  if (found.kind === "no") return found;
  return got(
    found.value.flatMap((one) => [
      ...(one.PrivateIpAddress === undefined ? [] : [`${one.PrivateIpAddress}/32`]),
      ...(one.Ipv6Addresses ?? []).flatMap(({ Ipv6Address }) => (Ipv6Address === undefined ? [] : [`${Ipv6Address}/128`])),
    ]),
  );
}

/** Routes to a gateway endpoint name the prefix list of its service. */
async function prefixListsOf(aws: Aws, vpc: string, gateways: ReadonlySet<string>, signal: AbortSignal): Promise<Got<readonly string[]>> {
  if (gateways.size === 0) return got([]);
  const call = "ec2:DescribeRouteTables";
  const Filters = [{ Name: "vpc-id", Values: [vpc] }];
  const read = await allPages(call, (from) => aws.link.ask("source", null, call, { Filters, MaxResults: 100, ...from }, signal));
  if (read.kind === "refused") return refusedBy(read);
  const routes = read.pages.flatMap(({ RouteTables = [] }) => RouteTables).flatMap(({ Routes = [] }) => Routes);
  return got([
    ...new Set(routes.flatMap(({ DestinationPrefixListId: list, GatewayId: gateway = "" }) => (list !== undefined && gateways.has(gateway) ? [list] : []))),
  ]);
}
