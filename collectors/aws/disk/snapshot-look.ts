import type { Aws } from "../aws.ts";
import type { Input, Output, Scope } from "../client/link.ts";
import { allPages } from "../client/pages.ts";
import type { Refused } from "../client/refused.ts";

export type Ec2Snapshot = NonNullable<Output<"ec2:DescribeSnapshots">["Snapshots"]>[number];

/** An account and a Region of it; `region` null is the target's. */
export type Where = { readonly scope: Scope; readonly region: string | null };

export type Looked = { readonly kind: "seen"; readonly snapshots: readonly Ec2Snapshot[]; readonly requestIds: readonly string[] } | Refused;

/** On copies, so that they are never taken for what they were made from. */
export const copyTag = "holdfast:copy-of";

/** One by its id. `seen` without it: it is there and not this account's to see (API reference, SnapshotIds). */
export async function lookAtSnapshot(aws: Pick<Aws, "link">, where: Where, id: string, signal: AbortSignal): Promise<Looked> {
  return list(aws, where, { SnapshotIds: [id] }, signal);
}

/** The account's own by their tags. */
export async function lookForTags(aws: Pick<Aws, "link">, where: Where, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Looked> {
  const Filters = Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
  return list(aws, where, { OwnerIds: ["self"], Filters, MaxResults: 1000 }, signal);
}

async function list(aws: Pick<Aws, "link">, { scope, region }: Where, input: Input<"ec2:DescribeSnapshots">, signal: AbortSignal): Promise<Looked> {
  const call = "ec2:DescribeSnapshots";
  const read = await allPages(call, (from) => aws.link.ask(scope, region, call, { ...input, ...from }, signal));
  if (read.kind === "refused") return read;
  return { kind: "seen", snapshots: read.pages.flatMap(({ Snapshots = [] }) => Snapshots), requestIds: read.requestIds };
}

/**
 * Looks until `enough` is true of what is seen, `tries` times at most: EC2 shows what it has made only after a while (API
 * reference, "Eventual consistency"). Gives what was seen last.
 */
export async function lookPatiently(
  aws: Pick<Aws, "sleep">,
  tries: number,
  look: () => Promise<Looked>,
  enough: (seen: readonly Ec2Snapshot[]) => boolean,
  signal: AbortSignal,
): Promise<Looked> {
  for (let attempt = 1; ; attempt += 1) {
    const looked = await look();
    if (looked.kind === "refused" || enough(looked.snapshots) || attempt >= tries) return looked;
    await aws.sleep(Math.min(15_000, 1000 * 2 ** attempt), signal);
  }
}

export function tagOf({ Tags = [] }: Pick<Ec2Snapshot, "Tags">, key: string): string | null {
  return Tags.find((tag) => tag.Key === key)?.Value ?? null;
}
