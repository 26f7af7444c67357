import type { Json } from "../../src/core/act.ts";
import type { Done, StepContext } from "../../src/core/collector.ts";
import type { Aws } from "./aws.ts";
import { type OurGroup, groupName, ourGroups } from "./contain-groups.ts";
import { type Face, facesOf, sameGroups } from "./contain-interfaces.ts";
import { type Got, got, type No, no, type Trail, undone } from "./contain-no.ts";
import { cutOff, type Quarantine, quarantineIn } from "./contain-network.ts";

/** Which interfaces still have the way that was left for memory. */
export async function closeBefore(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Json> {
  const open = await openFaces(aws, at, signal);
  return open.kind === "no" ? { ...open } : { kind: "close", open: open.value.map(({ id }) => id) };
}

/**
 * Takes away what isolation left open for memory. Connections that began meanwhile are tracked, so that each interface goes through
 * the group that cuts once more.
 */
export async function closeWay(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Done> {
  const open = await openFaces(aws, at, signal);
  if (open.kind === "no") return undone("nothing was closed", [open], null, []);
  if (open.value.length === 0)
    return { kind: "already", detail: "no interface has a way that this collection left open for memory", result: null, requestIds: [] };
  const trail: Trail = { ids: [] };
  const closed: string[] = [];
  const failed: No[] = [];
  const quarantines = new Map<string, Quarantine | No>();
  for (const face of open.value) {
    const quarantine = quarantines.get(face.vpc) ?? (await quarantineIn(aws, at, face.vpc, { kind: "closed" }, trail, signal));
    quarantines.set(face.vpc, quarantine);
    const trouble =
      "kind" in quarantine
        ? quarantine
        : face.foreign
          ? no(`${face.id} is in ${face.groups.join(", ")}, not in our quarantine alone: it never was, or somebody changed it since`)
          : await cutOff(aws, face.id, quarantine, face.groups, trail, signal);
    if (trouble === null) closed.push(face.id);
    else failed.push(trouble);
  }
  if (closed.length === 0) return undone("nothing was closed", failed, null, trail.ids);
  const detail = [
    `the way left open for memory is closed on ${closed.join(", ")}, and connections that began there are cut`,
    ...failed.map(({ text }) => `NOT closed: ${text}`),
  ].join(". ");
  return { kind: failed.length === 0 ? "done" : "failed", detail, result: { closed }, requestIds: trail.ids };
}

/** Interfaces that are not in quarantine alone. */
async function openFaces(aws: Aws, at: StepContext, signal: AbortSignal): Promise<Got<readonly (Face & { readonly foreign: boolean })[]>> {
  const ours = await ourGroups(aws, at.collection, signal);
  if (ours.kind === "no") return ours;
  const faces = await facesOf(aws, signal);
  if (faces.kind === "no") return faces;
  const ids = new Set(ours.value.map(({ id }) => id));
  if (ids.size === 0) return got([]); // nothing was ever isolated, so nothing was left open
  return got(
    faces.value
      .filter((face) => !sameGroups(face.groups, quarantineOf(ours.value, face.vpc, at.collection)))
      .map((face) => ({ ...face, foreign: !face.groups.every((id) => ids.has(id)) })),
  );
}

function quarantineOf(groups: readonly OurGroup[], vpc: string, collection: string): readonly string[] {
  return groups.filter((group) => group.vpc === vpc && group.name === groupName("quarantine", collection)).map(({ id }) => id);
}
