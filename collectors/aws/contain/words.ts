import type { Face } from "./interfaces.ts";
import type { GroupsOf } from "./kept.ts";
import type { No } from "./no.ts";
import type { Way } from "./way.ts";

/** Said with every isolation: a quarantine is not a wall, and who reads the act must know where it ends. */
const limits =
  "Security groups do not filter instance metadata, DNS through the Route 53 Resolver (VPC base + 2, 169.254.169.253), time sync, DHCP and licence " +
  "activation; connections that EC2 tracks whatever the groups are (through NAT and egress-only gateways, load balancers, PrivateLink, transit gateways) " +
  "may live on until they fall idle";

/** What was isolated and what not. */
export function isolationText(
  faces: readonly Face[],
  failed: ReadonlyMap<string, No>,
  ways: Readonly<Record<string, Way>>,
  known: ReadonlyMap<string, readonly string[]>,
  replaced: GroupsOf,
): string {
  const isolated = faces.filter(({ id }) => !failed.has(id));
  const open = openText(ways);
  const lines = [
    `${isolated.length} of ${faces.length} network interfaces are in quarantine${isolated.length === 0 ? "" : ` (${isolated.map(({ id }) => id).join(", ")})`}: ` +
      `no connection can begin in either direction${open.length === 0 ? "" : " but for what is said next"}, and tracked connections were cut by a group open both ways, worn for a moment in between`,
    ...open,
    ...[...failed.values()].map(({ text }) => `NOT isolated: ${text}`),
    ...faces.filter(({ trunk }) => trunk).map(({ id }) => `NOT isolated: containers' branch interfaces on trunk ${id}; their own groups still hold`),
    ...Object.entries(replaced).map(([id, groups]) => `${id} ${changedText(known.get(id), groups)}; undo puts back the later`),
    limits,
  ];
  return `${lines.join(". ")}.`;
}

function changedText(before: readonly string[] | undefined, now: readonly string[]): string {
  return before === undefined
    ? `came after the look before (${now.join(", ")})`
    : `was changed by somebody else from ${before.join(", ")} to ${now.join(", ")}`;
}

/** What a way leaves open, for the plan and the act. */
export function openText(ways: Readonly<Record<string, Way>>): readonly string[] {
  return Object.entries(ways).flatMap(([vpc, way]) => {
    switch (way.kind) {
      case "closed":
        return [];
      case "endpoints":
        return [
          `Until memory is taken, HTTPS stays open in ${vpc} to its endpoints of Systems Manager and to S3 of the Region (any bucket: that is a way out), and to nothing else; a vault elsewhere is out of the instance's reach`,
        ];
      case "internet":
        return [
          `Until memory is taken, HTTPS to ANYWHERE stays open in ${vpc}, since ${way.why}: Systems Manager and S3 go through the internet, and so can data`,
        ];
      default:
        return way satisfies never;
    }
  });
}
