import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import { type OurGroup, groupName, namedGroups } from "./groups.ts";
import { type Face, facesOf, sameGroups } from "./interfaces.ts";
import { type Got, got, type No, no, type Trail, undone } from "./no.ts";
import { parseMade } from "./kept.ts";
import { cutOff, type Quarantine, quarantineIn } from "./network.ts";

/** An interface after isolation: whether it is in the quarantine alone, and whether in groups that are not ours. */
type Held = Face & { readonly closed: boolean; readonly foreign: boolean };

/** Which interfaces still have the way that was left for memory. */
export async function closeBefore(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Json> {
  const held = await heldFaces(aws, at, signal);
  return held.kind === "no" ? { ...held } : { kind: "close", open: held.value.filter(({ closed }) => !closed).map(({ id }) => id) };
}

/**
 * Takes away what isolation left open for memory. Connections that began meanwhile are tracked, so that each interface goes through
 * the group that cuts once more. So does one that never had the way, where somebody gave our groups rules since.
 */
export async function closeWay(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Done> {
  const held = await heldFaces(aws, at, signal);
  if (held.kind === "no") return undone("nothing was closed", [held], null, []);
  const trail: Trail = { ids: [] };
  const shut: string[] = [];
  const failed: No[] = [];
  const quarantines = new Map<string, { readonly groups: Quarantine | No; readonly mended: boolean }>();
  for (const face of held.value) {
    const quarantine = quarantines.get(face.vpc) ?? (await checked(aws, at, face.vpc, trail, signal));
    quarantines.set(face.vpc, quarantine);
    const { groups, mended } = quarantine;
    if (!("kind" in groups) && face.closed && !mended) continue;
    const trouble =
      "kind" in groups
        ? groups
        : face.foreign
          ? no(`${face.id} is in ${face.groups.join(", ")}, not in our quarantine alone: it never was, or somebody changed it since`)
          : await cutOff(aws, face.id, groups, face.groups, trail, signal);
    if (trouble === null) shut.push(face.id);
    else failed.push(trouble);
  }
  if (shut.length === 0 && failed.length > 0) return undone("nothing was closed", failed, null, trail.ids);
  if (shut.length === 0)
    return { kind: "already", detail: "no interface has a way that this collection left open for memory", result: null, requestIds: trail.ids };
  const detail = [
    `the way left open for memory is closed on ${shut.join(", ")}, and connections that began there are cut`,
    ...[...quarantines].flatMap(([vpc, { mended }]) => (mended ? [`somebody had changed our groups in ${vpc}: their rules are as they were made`] : [])),
    ...failed.map(({ text }) => `NOT closed: ${text}`),
  ].join(". ");
  return { kind: failed.length === 0 ? "done" : "failed", detail, result: { closed: shut }, requestIds: trail.ids };
}

/** The quarantine as it is to be; `mended` where its rules had to be put right. */
async function checked(
  aws: Aws,
  at: StepContext,
  vpc: string,
  trail: Trail,
  signal: AbortSignal,
): Promise<{ readonly groups: Quarantine | No; readonly mended: boolean }> {
  const changes = trail.ids.length;
  const groups = await quarantineIn(aws, at, vpc, { kind: "closed" }, trail, signal);
  return { groups, mended: trail.ids.length > changes };
}

/** The interfaces as isolation left them; none where nothing was ever isolated. */
async function heldFaces(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Got<readonly Held[]>> {
  const named = await namedGroups(aws, at.collection, parseMade(at.earlier("isolate:network")), signal);
  if (named.kind === "no") return named;
  const ours = named.value.filter((group) => group.ours);
  // That there is none of ours would be good news: it is not taken from whoever took our tag off.
  const [strange] = named.value;
  if (ours.length === 0 && strange !== undefined)
    return no(
      `group ${strange.id} in ${strange.vpc} is named ${strange.name} and does not carry our tag: somebody took it off, or made the group; look at it by hand`,
    );
  const faces = await facesOf(aws, signal);
  if (faces.kind === "no") return faces;
  const ids = new Set(ours.map(({ id }) => id));
  if (ids.size === 0) return got([]);
  return got(
    faces.value.map((face) => ({
      ...face,
      closed: sameGroups(face.groups, quarantineOf(ours, face.vpc, at.collection)),
      foreign: !face.groups.every((id) => ids.has(id)),
    })),
  );
}

function quarantineOf(groups: readonly OurGroup[], vpc: string, collection: string): readonly string[] {
  return groups.filter((group) => group.vpc === vpc && group.name === groupName("quarantine", collection)).map(({ id }) => id);
}
