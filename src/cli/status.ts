import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../app.ts";
import type { CollectionView } from "../core/jobs.ts";
import { terminalSafe } from "../core/printable.ts";
import { present, sizeText, table } from "./output.ts";
import type { Session } from "./session.ts";

/** What is going on, and how the anchors stand. An anchor that says rollback or fork is exit 5 here too: who watches a ledger watches this. */
export async function status(session: Session, collection: string | null, follow: boolean): Promise<number> {
  const app = await session.app();
  const views = (): readonly CollectionView[] => (collection === null ? app.collecting.list() : [app.collecting.view(collection)]);
  while (follow && views().some((view) => view.state === "running")) {
    for (const view of views()) if (view.state === "running") session.output.say(oneLine(view));
    await sleep(1000, undefined, { signal: session.signal });
  }
  const documents = views().map((view) => statusOf(app, view));
  const anchors = app.services.anchors.standing();
  const mirror = await app.services.mirror.standing(session.signal);
  present(
    session.output,
    {
      schema: "holdfast.status/1",
      collections: documents,
      anchors: [...(mirror === null ? [] : [mirrorDocument(mirror, app.services.clock().toISOString())]), ...anchors.map(anchorDocument)],
    } as { schema: string },
    documents,
    () => [
      ...(documents.length === 0 ? ["no collections"] : views().flatMap((view) => [oneLine(view), ...stepLines(view)])),
      ...(mirror === null ? [] : mirrorLines(mirror)),
      ...anchors.map(anchorLine),
    ],
  );
  const troubles = [mirror?.trouble, ...anchors.map(({ state }) => state?.trouble)];
  const against = troubles.some((trouble) => trouble?.kind === "rollback" || trouble?.kind === "fork");
  return against || (mirror?.alarms.length ?? 0) > 0 ? 5 : 0;
}

type MirrorStanding = NonNullable<Awaited<ReturnType<App["services"]["mirror"]["standing"]>>>;

/** The mirror keeps no state here: it is asked now, and so its trouble is of now. */
function mirrorDocument({ mirrored, trouble, pending, alarms, vault }: MirrorStanding, now: string): object {
  return {
    anchor: "worm",
    vault,
    size: mirrored === null ? null : String(mirrored),
    time: null,
    tried: now,
    trouble: trouble === null ? null : { ...trouble, since: now },
    pending: pending === null ? null : String(pending),
    alarms,
  };
}

function mirrorLines({ mirrored, trouble, pending, alarms, vault }: MirrorStanding): readonly string[] {
  const line =
    trouble === null
      ? `holds ${mirrored ?? 0} acts${pending === 0 ? "" : `; ${pending ?? 0} are pending, and go there with the next act`}`
      : `${trouble.kind.toUpperCase()}: ${trouble.text.replace(/^(ROLLBACK|FORK): /, "")}`;
  return [terminalSafe(`anchor worm (vault ${vault}): ${line}`), ...alarms.map((alarm) => terminalSafe(`anchor worm (vault ${vault}): ALARM: ${alarm}`))];
}

type AnchorStanding = ReturnType<App["services"]["anchors"]["standing"]>[number];

function anchorDocument({ anchor, state }: AnchorStanding): object {
  const size = state?.size ?? null;
  return { anchor, size: size === null ? null : String(size), time: state?.time ?? null, tried: state?.tried ?? null, trouble: state?.trouble ?? null };
}

function anchorLine({ anchor, state }: AnchorStanding): string {
  if (state === null) return `anchor ${anchor}: not asked yet; holdfast ledger anchor asks now`;
  const held = state.size === null ? "vouches for nothing yet" : `vouched for ${state.size} acts at ${state.time ?? "?"}`;
  if (state.trouble === null) return `anchor ${anchor}: ${held}`;
  return terminalSafe(`anchor ${anchor}: ${state.trouble.kind.toUpperCase()} since ${state.trouble.since}: ${state.trouble.text}; ${held}`);
}

function statusOf(app: App, view: CollectionView): object {
  const { order, state, steps } = view;
  return {
    collection: order.collection,
    case: order.case,
    target: order.target,
    state,
    actor: order.actor,
    started: order.started,
    steps: steps.map((at) => ({
      step: at.step.id,
      exhibit: at.exhibit,
      state: at.state,
      bytes: { done: String(at.done), total: at.total === null ? null : String(at.total) },
    })),
    leftovers: app.services
      .jobs()
      .leftovers(order.collection)
      .map((left) => ({ exhibit: left.exhibit, what: "unfinished upload" })),
    resume: resumable(view) ? `holdfast resume ${order.collection}` : null,
  };
}

function resumable(view: CollectionView): boolean {
  return view.state === "paused" || view.state === "interrupted" || view.state === "failed";
}

function oneLine(view: CollectionView): string {
  const done = view.steps.filter((step) => step.state === "done").length;
  const running = view.steps.find((step) => step.state === "running");
  const now = running === undefined ? "" : `, ${running.step.id} ${sizeText(running.done)}${running.total === null ? "" : ` of ${sizeText(running.total)}`}`;
  const next = resumable(view) ? `; holdfast resume ${view.order.collection}` : "";
  return terminalSafe(
    `${view.order.collection}  ${view.state}  case ${view.order.case}  ${view.order.target}  ${done} of ${view.steps.length} steps${now}${next}`,
  );
}

function stepLines(view: CollectionView): readonly string[] {
  return table(view.steps.map((at) => ["   ", at.exhibit ?? "-", at.state, terminalSafe(at.step.id)]));
}
