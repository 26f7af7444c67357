import type { App } from "../app.ts";
import { parseCaseId } from "../core/case.ts";
import { describeError, HoldfastError } from "../core/error.ts";
import type { Wish } from "../core/plan.ts";
import { terminalSafe } from "../core/printable.ts";
import { parseTarget } from "../core/target.ts";
import { required } from "./ask.ts";
import { printCollections, type Refused, resultExit } from "./collect-result.ts";
import { type Detached, inBackground } from "./detach.ts";
import { exitCodeOf, pausedIfAborted, worstExit } from "./exit-code.ts";
import { type Options, optionText } from "./options.ts";
import { present } from "./output.ts";
import { sayPlan } from "./plan.ts";
import { progressPrinter } from "./progress.ts";
import type { Session } from "./session.ts";
import { checkAsked, wishFrom } from "./wish.ts";

export type Asked = {
  readonly case: string;
  readonly reason: string;
  readonly authority: string | null;
  readonly wish: Wish;
  readonly vault: string;
  readonly retain: string | null;
  readonly legalHold: boolean;
  readonly detach: boolean;
};

type Took =
  | { readonly kind: "ended"; readonly code: number; readonly collection: string }
  | { readonly kind: "detached"; readonly code: 0; readonly detached: Detached }
  | { readonly kind: "refused"; readonly code: number; readonly refused: Refused };

/** `collect TARGET…`: each target is a collection of its own; one that fails does not stop the others. */
export async function collect(session: Session, targets: readonly string[], options: Options): Promise<number> {
  const caseId = parseCaseId(await required(session, optionText(options, "case"), "--case", "which case?"));
  const reason = await required(session, optionText(options, "reason"), "--reason", "why is this collected?");
  checkAsked(targets, options);
  const app = await session.app({ kind: "make", origin: null });
  for (const target of targets) demandVault(app, target, optionText(options, "vault"));
  const asked: Asked = {
    case: caseId,
    reason,
    authority: optionText(options, "authority") ?? null,
    wish: wishFrom(options, app.services.clock()),
    vault: app.services.vaultConfig(optionText(options, "vault") ?? null).name,
    retain: optionText(options, "retain") ?? null,
    legalHold: options["legalHold"] === true,
    detach: options["detach"] === true,
  };
  return collectAll(session, app, targets, asked);
}

/** Evidence of a cloud must not end in a folder of this machine because nobody configured a vault. */
function demandVault(app: App, target: string, named: string | undefined): void {
  const { name, config } = app.services.vaultConfig(named ?? null);
  if (named === undefined && config.kind === "directory" && parseTarget(target).kind !== "host")
    throw new HoldfastError(
      "refused",
      `${target}: vault ${name} is a folder of this machine, which cannot lock; configure one that can, or say --vault ${name}`,
    );
}

/** Carries out what was asked on each target, prints it, and gives the exit code. */
export async function collectAll(session: Session, app: App, targets: readonly string[], asked: Asked): Promise<number> {
  const took: Took[] = [];
  for (const target of targets) {
    took.push(await collectOne(session, app, target, asked));
    if (session.signal.aborted) break;
  }
  await print(session, app, took);
  return worstExit(took.map(({ code }) => code));
}

async function collectOne(session: Session, app: App, target: string, asked: Asked): Promise<Took> {
  let collection: string | null = null;
  try {
    const plan = await app.collecting.plan(target, asked.wish, session.signal);
    if (plan.steps.length === 0)
      throw new HoldfastError("usage", `${target} offers none of what was asked: ${plan.without.map((w) => `${w.kind}: ${w.why}`).join("; ")}`);
    sayPlan(session.output, plan, asked.wish.kinds, app.services.actor.id, asked.vault);
    const order = await app.collecting.prepare({ ...asked, target, compress: asked.wish.compress }, plan);
    session.output.say(`  collection ${order.collection}, kept until ${order.retainUntil}`);
    if (asked.detach) {
      app.collecting.register(order);
      return { kind: "detached", code: 0, detached: inBackground(app.services.paths, order.collection) };
    }
    collection = order.collection;
    await app.collecting.start(
      order,
      progressPrinter(session.output, () => app.services.clock().getTime()),
      session.signal,
    );
    return { kind: "ended", code: resultExit(app.collecting.result(collection)), collection };
  } catch (error) {
    const code = exitCodeOf(pausedIfAborted(error, session.signal));
    process.stderr.write(`holdfast: ${target}: ${terminalSafe(describeError(error))}\n`);
    const begun = collection !== null && app.collecting.list().some((view) => view.order.collection === collection);
    if (collection === null || !begun) return { kind: "refused", code, refused: { target, error: terminalSafe(describeError(error)) } };
    process.stderr.write(`What is sealed stays sealed. Go on with: holdfast resume ${collection}\n`);
    return { kind: "ended", code, collection };
  }
}

async function print(session: Session, app: App, took: readonly Took[]): Promise<void> {
  const detached = took.flatMap((t) => (t.kind === "detached" ? [t.detached] : []));
  if (detached.length > 0) {
    const lines = detached.map(({ collection, log }) => `${collection}  in the background, log ${log}; holdfast status ${collection} --follow`);
    present(session.output, { schema: "holdfast.detached/1", collections: detached } as { schema: string }, detached, () => lines);
    return;
  }
  const ended = took.flatMap((t) => (t.kind === "ended" ? [t.collection] : []));
  if (ended.length > 0 || session.output.json) {
    const refused = took.flatMap((t) => (t.kind === "refused" ? [t.refused] : []));
    await printCollections(session, app, ended, refused);
  }
}
