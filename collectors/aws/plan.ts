import type { Plan, Wish } from "../../src/core/plan.ts";
import type { Aws } from "./aws.ts";
import type { Look } from "./look.ts";
import { absentKinds, roomsFor } from "./rooms.ts";

/** The lane of what must come before all else: freezing, isolation that was asked for at once, the provider's state. */
const first = "first";

/** The rooms' steps in design.md's order. Whatever is not in the first lane waits for its end. */
export async function planInstance(aws: Aws, look: Look, wish: Wish, signal: AbortSignal): Promise<Plan> {
  // Side by side: what a room asks, another need not wait for.
  const asked = await Promise.all(roomsFor(wish).map(async (open) => (await open()).plan(aws, look, wish, signal)));
  const planned = asked.flat().sort((a, b) => a.rank - b.rank);
  const known = new Set(planned.map(({ id }) => id));
  const opening = planned.findLast(({ lane }) => lane === first)?.id;
  const steps = planned.map((step) => ({
    ...step,
    after: [...step.after.filter((id) => known.has(id)), ...(step.lane === first || opening === undefined ? [] : [opening])],
  }));
  return {
    schema: "holdfast.plan/1",
    target: aws.arn,
    provider: "aws",
    path: `${aws.arn} → AWS APIs in ${aws.instance.region} → this process → vault; memory: the instance → vault, by write-only links`,
    window: wish.window,
    steps,
    without: absentKinds,
  };
}
