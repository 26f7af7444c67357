import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import { deleteGroups, groupName, ourGroups, type Use } from "./groups.ts";
import { type Face, facesOf, facesWith, putInGroups, sameGroups } from "./interfaces.ts";
import { fields, type GroupsOf, parseGroupsOf, parseMade, parseNetworkBefore } from "./kept.ts";
import { type Got, got, type No, no, type Trail, undone } from "./no.ts";

/** Puts back the groups of every interface that is still in ours, then deletes ours. What somebody else changed since is theirs. */
export async function undoNetwork(aws: Aws, given: Json, done: Done | null, at: StepContext, signal: AbortSignal): Promise<Done> {
  const old = oldGroups(given, done, at.remembered());
  const ours = await ourGroups(aws, at.collection, parseMade(done?.result ?? null), signal);
  if (ours.kind === "no") return undone("nothing was put back", [ours], null, []);
  const ids = ours.value.map(({ id }) => id);
  const faces = await facesToPutBack(aws, ids, signal);
  if (faces.kind === "no") return undone("nothing was put back", [faces], null, []);
  const trail: Trail = { ids: [] };
  const back: string[] = [];
  const left: No[] = [];
  for (const { id, groups } of faces.value) {
    const before = old[id];
    if (groups.some((group) => ids.includes(group))) {
      const trouble =
        before === undefined
          ? no(`${id} is in our quarantine, and what it was in before is not known; give it its groups by hand`)
          : groups.every((group) => ids.includes(group))
            ? await putInGroups(aws, id, before, trail, signal)
            : no(`${id} is in ${groups.join(", ")}: somebody added to our quarantine since; put it right by hand (it was in ${before.join(", ")})`);
      if (trouble === null) back.push(id);
      else left.push(trouble);
    } else if (before !== undefined && !sameGroups(groups, before))
      left.push(
        no(
          `${id} is in ${groups.join(", ")}, not in our quarantine and not as before (${before.join(", ")}): somebody changed it since, and it was left; CloudTrail's ModifyNetworkInterfaceAttribute says who`,
        ),
      );
  }
  const { deleted, kept } = await deleteGroups(aws, ours.value, trail, signal);
  const reasons = [...left, ...kept];
  if (back.length === 0 && deleted === 0) {
    if (reasons.length > 0) return undone("nothing was put back", reasons, null, trail.ids);
    return { kind: "already", detail: "no interface is in a group of this collection, and there is none", result: null, requestIds: [] };
  }
  const detail = [
    `${back.length === 0 ? "no interface was still in quarantine" : `${back.join(", ")} back in the groups of before`}; ${deleted} of our groups deleted`,
    ...reasons.map(({ text }) => `NOT put back: ${text}`),
  ].join(". ");
  return { kind: reasons.length === 0 ? "done" : "failed", detail, result: { back }, requestIds: trail.ids };
}

/** Those of the instance, and those that were taken from it since and are still in a group of ours. */
async function facesToPutBack(aws: Aws, ours: readonly string[], signal: AbortSignal): Promise<Got<readonly Face[]>> {
  const attached = await facesOf(aws, signal);
  if (attached.kind === "no" || ours.length === 0) return attached;
  const wearing = await facesWith(aws, { name: "group-id", values: ours }, signal);
  if (wearing.kind === "no") return wearing;
  const known = new Set(attached.value.map(({ id }) => id));
  return got([...attached.value, ...wearing.value.filter(({ id }) => !known.has(id))]);
}

/** The state before, and over it what the act replaced: that was later. */
function oldGroups(given: Json, done: Done | null, remembered: Json): GroupsOf {
  const before = given === null ? null : parseNetworkBefore(given);
  const first = before?.kind === "network" ? Object.fromEntries(before.faces.map(({ id, groups }) => [id, groups])) : {};
  const result = done?.result ?? null;
  return { ...first, ...parseGroupsOf(remembered), ...(result === null ? {} : parseGroupsOf(fields(result)["replaced"])) };
}

/**
 * Groups that a crash left half-made, with no interface in them; those in use are the isolation itself, and stay. An interface that a
 * crash left in the group that is open both ways goes on into quarantine: nothing may stay open to everyone. Undo knows where it was.
 */
export async function cleanGroups(aws: Aws, at: StepContext, signal: AbortSignal): Promise<readonly string[]> {
  const ours = await ourGroups(aws, at.collection, parseMade(at.earlier("isolate:network")), signal);
  if (ours.kind === "no") return [`groups of this collection could not be looked for: ${ours.text}`];
  if (ours.value.length === 0) return [];
  const wearing = await facesWith(aws, { name: "group-id", values: ours.value.map(({ id }) => id) }, signal);
  if (wearing.kind === "no") return [`interfaces in groups of this collection could not be looked for: ${wearing.text}`];
  const trail: Trail = { ids: [] };
  if (wearing.value.length === 0) {
    const { deleted, kept } = await deleteGroups(aws, ours.value, trail, signal);
    return [...(deleted === 0 ? [] : [`${deleted} security groups of an isolation that did not come to be were deleted`]), ...kept.map(({ text }) => text)];
  }
  const attached = await facesOf(aws, signal);
  if (attached.kind === "no") return [`interfaces of the instance could not be looked for: ${attached.text}`];
  const own = new Set(attached.value.map(({ id }) => id));
  const lines: string[] = [];
  for (const { id, vpc, groups } of wearing.value) {
    const named = (use: Use): string | undefined => ours.value.find((group) => group.vpc === vpc && group.name === groupName(use, at.collection))?.id;
    const [cut, quarantine] = [named("cut"), named("quarantine")];
    if (cut === undefined || quarantine === undefined || !groups.includes(cut)) continue;
    // Whoever may change interfaces could have a machine isolated by us that nobody asked to isolate.
    if (!own.has(id)) {
      lines.push(`${id} is open to everything in ${cut} and is not the instance's: taken from it, or put there by somebody else; it was left`);
      continue;
    }
    const trouble = await putInGroups(aws, id, [quarantine], trail, signal);
    lines.push(
      trouble === null ? `${id} was left open to everything in ${cut}, and is in quarantine now` : `${id} IS OPEN to everything in ${cut}: ${trouble.text}`,
    );
  }
  return lines;
}
