import { parseCaseId } from "../core/case.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { parseTarget } from "../core/target.ts";
import { parseDuration } from "../core/window.ts";
import { required } from "./ask.ts";
import { printCollections, resultExit } from "./collect-result.ts";
import { exitCodeOf, worstExit } from "./exit-code.ts";
import { type Detached, inBackground } from "./detach.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import { sayPlan } from "./plan.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";
import { wishFrom } from "./wish.ts";

/** `collect TARGET…`: each target is a collection of its own; one that fails does not stop the others. */
export async function collect(session: Session, targets: readonly string[], options: Options): Promise<number> {
  const caseId = parseCaseId(await required(session, optionText(options, "case"), "--case", "which case?"));
  const reason = await required(session, optionText(options, "reason"), "--reason", "why is this collected?");
  for (const target of targets) parseTarget(target);
  if (optionText(options, "isolate") !== undefined)
    throw new HoldfastError("refused", "--isolate: this release cannot isolate a target; isolate it in its network, then collect without this option");
  const retain = optionText(options, "retain") ?? null;
  if (retain !== null) parseDuration(retain, "--retain");
  const app = await session.app({ kind: "make", origin: null });
  const wish = wishFrom(options, app.services.clock());
  const vault = app.services.vaultConfig(optionText(options, "vault") ?? null).name;
  const started: string[] = [];
  const codes: number[] = [];
  const detached: Detached[] = [];
  for (const target of targets) {
    let collection: string | null = null;
    try {
      const plan = await app.collecting.plan(target, wish, session.signal);
      if (plan.steps.length === 0)
        throw new HoldfastError("usage", `${target} offers none of what was asked: ${plan.without.map((w) => `${w.kind}: ${w.why}`).join("; ")}`);
      sayPlan(session.output, plan, wish.kinds, app.services.actor.id, vault);
      const order = await app.collecting.prepare(
        {
          target,
          case: caseId,
          reason,
          authority: optionText(options, "authority") ?? null,
          wish,
          vault,
          retain,
          legalHold: options["legalHold"] === true,
          compress: wish.compress,
        },
        plan,
      );
      collection = order.collection;
      session.output.say(`  collection ${collection}, kept until ${order.retainUntil}`);
      await app.collecting.start(
        order,
        progressPrinter(session.output, () => app.services.clock().getTime()),
        session.signal,
      );
      started.push(collection);
      codes.push(resultExit(app.collecting.result(collection)));
    } catch (error) {
      codes.push(exitCodeOf(error));
      process.stderr.write(`holdfast: ${target}: ${terminalSafe(describeError(error))}\n`);
      if (collection === null || app.collecting.list().every((view) => view.order.collection !== collection)) continue;
      started.push(collection);
      process.stderr.write(`What is sealed stays sealed. Go on with: holdfast resume ${collection}\n`);
      if (session.signal.aborted) break;
    }
  }
  if (detached.length > 0) {
    present(session.output, { schema: "holdfast.detached/1", collections: detached } as { schema: string }, detached, () =>
      detached.map(({ collection, log }) => `${collection}  in the background, log ${log}; holdfast status ${collection} --follow`),
    );
    return worstExit(codes);
  }
  if (started.length > 0 || session.output.json) await printCollections(session, app, started);
  return worstExit(codes);
}
