import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import { ensureGroup } from "./groups.ts";
import { type Face, facesOf, facesWith, putInGroups, sameGroups } from "./interfaces.ts";
import { type GroupsOf, type NetworkBefore, parseGroupsOf, parseMade, parseNetworkBefore } from "./kept.ts";
import { type No, no, type Trail, undone } from "./no.ts";
import type { GroupRule } from "./rules.ts";
import { isolationText } from "./words.ts";
import { openings, type Way, wayOf } from "./way.ts";

/** Everything, both ways: EC2 tracks no connection that such rules let through (User Guide, "Untracked connections"). */
const openBothWays: readonly GroupRule[] = [false, true].flatMap((egress) => ["0.0.0.0/0", "::/0"].map((peer) => ({ egress, port: null, peer })));

/** The groups of one VPC: first the one that cuts, then those that stay. */
export type Quarantine = { readonly cut: string; readonly stay: readonly string[] };

/** Interfaces may come while others are isolated; more often than this somebody is playing. */
const rounds = 4;

export async function networkBefore(aws: Aws, keepsWay: boolean, signal: AbortSignal): Promise<NetworkBefore> {
  const faces = await facesOf(aws, signal);
  if (faces.kind === "no") return faces;
  const vpcs = [...new Set(faces.value.map(({ vpc }) => vpc))];
  const ways = await Promise.all(vpcs.map(async (vpc): Promise<[string, Way]> => [vpc, keepsWay ? await wayOf(aws, vpc, signal) : { kind: "closed" }]));
  return { kind: "network", faces: faces.value, ways: Object.fromEntries(ways) };
}

/** Every interface into quarantine, through the group that cuts what is tracked. */
export async function isolateNetwork(aws: Aws, given: Json, keepsWay: boolean, at: StepContext, signal: AbortSignal): Promise<Done> {
  const before = parseNetworkBefore(given);
  if (before.kind === "no") return undone("nothing is isolated", [before], null, []);
  const known = new Map(before.faces.map((face) => [face.id, face.groups]));
  const trail: Trail = { ids: [] };
  const failed = new Map<string, No>();
  const quarantines = new Map<string, Quarantine | No>();
  const ways: Record<string, Way> = { ...before.ways };
  let replaced: GroupsOf = parseGroupsOf(at.remembered());
  const moved = new Set<string>();
  let faces: readonly Face[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const listed = await facesOf(aws, signal);
    if (listed.kind === "no") {
      failed.set("interfaces", listed);
      break;
    }
    faces = listed.value;
    const left = faces.filter((face) => !failed.has(face.id) && !isIn(face, quarantines.get(face.vpc)));
    if (left.length === 0) break;
    for (const face of left) {
      const way = ways[face.vpc] ?? (keepsWay ? await wayOf(aws, face.vpc, signal) : { kind: "closed" });
      ways[face.vpc] = way;
      const quarantine = quarantines.get(face.vpc) ?? (await quarantineIn(aws, at, face.vpc, way, trail, signal));
      quarantines.set(face.vpc, quarantine);
      if ("kind" in quarantine || face.fixed !== null) {
        failed.set(face.id, "kind" in quarantine ? quarantine : no(`${face.id}: ${face.fixed}`));
        continue;
      }
      if (isIn(face, quarantine)) continue;
      // Not as it was when it was looked at: undo would put back what no longer was, and after a crash nobody would know. What somebody
      // gives it while we isolate is no state before.
      const first = !moved.has(face.id) && replaced[face.id] === undefined;
      if (first && !sameGroups(face.groups, [quarantine.cut]) && !sameGroups(face.groups, known.get(face.id) ?? [])) {
        replaced = { ...replaced, [face.id]: face.groups };
        at.remember(replaced);
      }
      const back = replaced[face.id] ?? known.get(face.id) ?? face.groups;
      const trouble = await cutOff(aws, face.id, quarantine, back, trail, signal);
      if (trouble === null) moved.add(face.id);
      else failed.set(face.id, trouble);
    }
  }
  const out = faces.filter((face) => !failed.has(face.id) && !isIn(face, quarantines.get(face.vpc)));
  for (const face of out) failed.set(face.id, no(`${face.id} is in ${face.groups.join(", ")} again: somebody else changes it meanwhile`));
  const groups = Object.fromEntries([...quarantines].flatMap(([vpc, one]) => ("kind" in one ? [] : [[vpc, { cut: one.cut, stay: [...one.stay] }]])));
  const result: Json = { replaced, groups };
  if (failed.size > 0 && faces.every(({ id }) => failed.has(id))) return undone("nothing is isolated", [...failed.values()], result, trail.ids);
  if (faces.length === 0) return { kind: "already", detail: "the instance has no network interface", result, requestIds: trail.ids };
  const kind = failed.size > 0 ? "failed" : "done";
  return { kind, detail: isolationText(faces, failed, ways, known, replaced), result, requestIds: trail.ids };
}

function isIn(face: Face, quarantine: Quarantine | No | undefined): boolean {
  return quarantine !== undefined && "stay" in quarantine && sameGroups(face.groups, quarantine.stay);
}

/**
 * Through the group that leaves everything untracked: a change that takes an untracked connection's rule away ends it. Where the way
 * on is barred, the interface goes back to `back`: nothing may be left open to everyone.
 */
export async function cutOff(
  aws: Aws,
  face: string,
  { cut, stay }: Quarantine,
  back: readonly string[],
  trail: Trail,
  signal: AbortSignal,
): Promise<No | null> {
  const trouble = (await putInGroups(aws, face, [cut], trail, signal)) ?? (await putInGroups(aws, face, stay, trail, signal));
  if (trouble === null) return null;
  const now = await facesWith(aws, { name: "network-interface-id", values: [face] }, signal);
  const open = now.kind === "no" || now.value.some(({ id, groups }) => id === face && sameGroups(groups, [cut]));
  if (!open) return trouble;
  const stuck = sameGroups(back, [cut]) ? trouble : await putInGroups(aws, face, back, trail, signal);
  if (stuck === null) return { ...trouble, text: `${trouble.text}; ${face} is back in ${back.join(", ")}` };
  return no(`${trouble.text}; ${face} MAY BE OPEN TO EVERYTHING in group ${cut} (${stuck.text}): change its groups by hand now`);
}

/** The groups are whole before any interface is moved: a half-made one would let something through. */
export async function quarantineIn(aws: Aws, at: StepContext, vpc: string, way: Way, trail: Trail, signal: AbortSignal): Promise<Quarantine | No> {
  const belongs = { case: at.case, collection: at.collection };
  const made = parseMade(at.earlier("isolate:network"));
  const stay: string[] = [];
  for (const { use, rules } of [{ use: "quarantine" as const, rules: [] }, ...openings(way)]) {
    const group = await ensureGroup(aws, belongs, vpc, use, rules, made, trail, signal);
    if (group.kind === "no") return group;
    stay.push(group.value);
  }
  const cut = await ensureGroup(aws, belongs, vpc, "cut", openBothWays, made, trail, signal);
  return cut.kind === "no" ? cut : { cut: cut.value, stay };
}
