import type { Plan, Wish } from "../core/plan.ts";
import { type Options, optionText } from "./options.ts";
import { durationText, type Output, present, sizeText } from "./output.ts";
import type { Session } from "./session.ts";
import { checkAsked, wishFrom } from "./wish.ts";

/** `plan` and `collect --dry-run`: prints and changes nothing. */
export async function plan(session: Session, targets: readonly string[], options: Options): Promise<number> {
  checkAsked(targets, options);
  const app = await session.app({ kind: "any" });
  const wish = wishFrom(options, app.services.clock());
  app.services.vaultConfig(optionText(options, "vault") ?? null);
  const plans: Plan[] = [];
  for (const target of targets) plans.push(await app.collecting.plan(target, wish, session.signal));
  const document = plans.length === 1 && plans[0] !== undefined ? plans[0] : { schema: "holdfast.plans/1", plans };
  present(session.output, document, plans, () => plans.flatMap(planLines));
  return 0;
}

/** The whole plan for people: order, what is read with which right, footprint, estimate. */
export function planLines(plan: Plan): readonly string[] {
  const lines = [`Target  ${plan.target}`, `Path    ${plan.path}`, `Window  ${plan.window.since} to ${plan.window.until}`, ""];
  plan.steps.forEach((step, i) => {
    lines.push(`${String(i + 1).padStart(2)}. ${step.title}  [${step.id}]`);
    for (const call of step.calls) lines.push(`      ${call.changes ? "CHANGES " : "reads   "}${call.call}  needs ${call.needs}`);
    const size = step.estimate.bytes === null ? "size not known before reading" : `about ${sizeText(step.estimate.bytes)}`;
    const time = step.estimate.seconds === null ? "" : `, about ${durationText(step.estimate.seconds)}`;
    const footprint =
      step.footprint.writtenBytes === 0 && step.footprint.tools.length === 0
        ? "writes nothing on the target"
        : `writes ${sizeText(step.footprint.writtenBytes)} on the target, runs ${step.footprint.tools.join(", ") || "nothing"}`;
    lines.push(`      ${size}${time}; ${footprint}`);
  });
  if (plan.without.length > 0) lines.push("", "Not offered by this target:");
  for (const { kind, why } of plan.without) lines.push(`    ${kind}: ${why}`);
  return lines;
}

/** The plan in short, for `collect` to say before it acts. */
export function sayPlan(output: Output, plan: Plan, asked: Wish["kinds"], identity: string, vault: string): void {
  const known = plan.steps.reduce((sum, step) => sum + (step.estimate.bytes ?? 0), 0);
  const written = plan.steps.reduce((sum, step) => sum + step.footprint.writtenBytes, 0);
  output.say(`${plan.target} as ${identity}: ${plan.steps.map((step) => step.id).join(", ")}`);
  output.say(`  about ${sizeText(known)} to vault ${vault}; writes ${sizeText(written)} on the target; window ${plan.window.since} to ${plan.window.until}`);
  // What nobody asked for needs no excuse here; `plan` lists it all.
  for (const { kind, why } of plan.without)
    if (asked === null ? kind !== "services" && kind !== "capture" : kind !== "ingested" && asked.includes(kind)) output.say(`  without ${kind}: ${why}`);
}
