/**
 * What becomes of live connections when groups change (User Guide, "Security group connection tracking"): a tracked one survives,
 * whatever the new rules say; an untracked one ends with the rule that let it in.
 */
import { BlockList, isIPv6 } from "node:net";
import type { Ec2Network, Flow, Interface, Reach, RulePeer } from "./ec2-network-world.ts";

type Connection = Pick<Flow, "begun" | "protocol" | "remote" | "port">;

/** Whether a connection could be begun now. */
export function wouldConnect(network: Ec2Network, interfaceId: string, connection: Connection): boolean {
  return permits(reachOf(network, interfaceOf(network, interfaceId)), connection);
}

/** A connection that is begun now. Throws where the groups do not let it. */
export function beginFlow(network: Ec2Network, flow: Omit<Flow, "since">): Flow {
  if (!wouldConnect(network, flow.interface, flow)) throw new Error(`the groups of ${flow.interface} let no connection ${flow.begun} with ${flow.remote}`);
  const history = network.history.get(flow.interface) ?? [];
  history.push(reachOf(network, interfaceOf(network, flow.interface)));
  network.history.set(flow.interface, history);
  const begun: Flow = { ...flow, since: history.length - 1 };
  network.flows.push(begun);
  return begun;
}

/** Those of an interface's connections that all changes of its groups up to now have left alive. */
export function flowsAlive(network: Ec2Network, interfaceId: string): readonly Flow[] {
  const history = network.history.get(interfaceId) ?? [];
  return network.flows.filter((flow) => flow.interface === interfaceId && isAlive(flow, history.slice(flow.since)));
}

/** To be called after each change of a group's rules or of an interface's groups. */
export function noteGroups(network: Ec2Network): void {
  for (const [id, history] of network.history) {
    const one = network.interfaces.find((face) => face.id === id);
    if (one !== undefined) history.push(reachOf(network, one));
  }
}

function isAlive(flow: Flow, [first = [], ...changes]: readonly (readonly Reach[])[]): boolean {
  const isTracked = (reach: readonly Reach[]): boolean => flow.tracked === "always" || !isOpen(reach, flow);
  let tracked = isTracked(first);
  for (const reach of changes) {
    if (!tracked && !permits(reach, flow)) return false;
    tracked = isTracked(reach);
  }
  return true;
}

/** Open both ways: from anywhere for this connection, and every port to anywhere for what answers it. Then nothing is tracked. */
function isOpen(reach: readonly Reach[], flow: Connection): boolean {
  const anywhere = isIPv6(flow.remote) ? "::/0" : "0.0.0.0/0";
  const open = reach.filter(({ cidrs }) => cidrs.includes(anywhere));
  const answers = open.some(
    (rule) => rule.egress === (flow.begun === "in") && isOf(rule, flow) && (rule.protocol === "-1" || (rule.from === 0 && rule.to === 65_535)),
  );
  return answers && permits(open, flow);
}

function permits(reach: readonly Reach[], flow: Connection): boolean {
  return reach.some(
    (rule) => rule.egress === (flow.begun === "out") && isOf(rule, flow) && hasPort(rule, flow.port) && rule.cidrs.some((cidr) => holds(cidr, flow.remote)),
  );
}

function isOf({ protocol }: Reach, flow: Connection): boolean {
  return protocol === "-1" || protocol === flow.protocol;
}

function hasPort({ protocol, from, to }: Reach, port: number): boolean {
  return protocol === "-1" || (from !== null && to !== null && from <= port && port <= to);
}

function holds(cidr: string, address: string): boolean {
  const [network = "", bits = ""] = cidr.split("/");
  const family = isIPv6(network) ? "ipv6" : "ipv4";
  if (isIPv6(address) !== isIPv6(network)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}

function reachOf(network: Ec2Network, { groups }: Interface): readonly Reach[] {
  return network.groups
    .filter(({ id }) => groups.includes(id))
    .flatMap(({ rules }) => rules.map(({ egress, protocol, from, to, peer }) => ({ egress, protocol, from, to, cidrs: addressesOf(network, peer) })));
}

function addressesOf(network: Ec2Network, peer: RulePeer): readonly string[] {
  switch (peer.kind) {
    case "ipv4":
    case "ipv6":
      return [peer.cidr];
    case "prefix-list":
      return network.prefixLists.get(peer.id) ?? [];
    case "group":
      return network.interfaces
        .filter(({ groups }) => groups.includes(peer.group))
        .flatMap((one) => [...one.privateAddresses.map((address) => `${address}/32`), ...one.ipv6Addresses.map((address) => `${address}/128`)]);
    default:
      return peer satisfies never;
  }
}

function interfaceOf(network: Ec2Network, id: string): Interface {
  const one = network.interfaces.find((face) => face.id === id);
  if (one === undefined) throw new Error(`the stand-in has no interface ${id}`);
  return one;
}
