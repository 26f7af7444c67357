import type { App } from "../app.ts";
import type { CollectionResult } from "../core/collection-result.ts";
import { type Exhibit, whyNotSealed } from "../core/exhibit.ts";
import { terminalSafe } from "../core/printable.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";
import { coveredBy } from "./settle-anchors.ts";

/** A target of which nothing was begun. */
export type Refused = { readonly target: string; readonly error: string };

/** 0 only if every exhibit is complete and its lock is what its vault promises. */
export function resultExit(result: CollectionResult): number {
  return result.outcome === "collected" ? 0 : 4;
}

/** `collect --json`, or one pasteable receipt line an exhibit. */
export async function printCollections(session: Session, app: App, collections: readonly string[], refused: readonly Refused[] = []): Promise<void> {
  const results = collections.map((collection) => app.collecting.result(collection));
  const checkpoint = app.services.reader((reader) => reader.checkpoint());
  const anchors = checkpoint === null ? [] : await coveredBy(app, session.output, Number(checkpoint.size)); // a receipt names its anchors
  const whole = results.length > 0 && refused.length === 0 && results.every((r) => r.outcome === "collected");
  const outcome = whole ? "collected" : results.some((r) => r.outcome !== "failed") ? "partial" : "failed";
  present(session.output, { schema: "holdfast.collect/1", outcome, collections: results, refused, checkpoint, anchors } as { schema: string }, results, () => [
    ...results.flatMap((result) => result.exhibits.map(receiptLine)),
    checkpoint === null
      ? ""
      : `checkpoint ${checkpoint.origin} size ${checkpoint.size} root ${checkpoint.root} (${anchors.length === 0 ? "assurance: self; nothing outside this machine vouches for it" : `vouched for by ${anchors.join(", ")}`})`,
  ]);
  const warned = new Set<string>();
  for (const { exhibits } of results)
    for (const { stored } of exhibits)
      if (stored !== null && !stored.sealed && !warned.has(whyNotSealed(stored))) {
        warned.add(whyNotSealed(stored));
        session.output.say(session.output.paint.yellow(terminalSafe(`Warning: ${whyNotSealed(stored)}`)));
      }
}

/** Case, exhibit, digest, place and ledger index on one line that survives a chat window. */
export function receiptLine(exhibit: Exhibit): string {
  const seal =
    exhibit.stored === null
      ? "not stored"
      : exhibit.stored.sealed
        ? `sealed until ${exhibit.stored.retainUntil ?? "?"}`
        : `not sealed (lock ${exhibit.stored.lock})`;
  const digest = exhibit.sha256 === null ? "no digest" : `sha256 ${exhibit.sha256} ${exhibit.bytes} bytes`;
  const words = [exhibit.id, exhibit.kind, exhibit.outcome, digest, seal, `acts ${exhibit.acts.join(",")}`];
  if (exhibit.stored !== null) words.push(exhibit.stored.uri);
  if (exhibit.detail !== null) words.push(`(${exhibit.detail})`);
  return terminalSafe(words.join("  "));
}
