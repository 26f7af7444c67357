import type { Severity } from "./case.ts";
import type { RetentionConfig } from "./config.ts";
import { HoldfastError } from "./error.ts";
import { entryOf } from "./shape.ts";
import { parseDuration, yearIsWritable } from "./window.ts";

/**
 * Until when an exhibit is kept: the longest of vault, class, kind, severity and flag wins; a flag can only lengthen
 * (design.md, integrity rule 11). RFC 3339 UTC, rounded up to a whole second, since stores cut milliseconds.
 */
export function retainUntil(
  config: RetentionConfig,
  asked: {
    readonly vault: string;
    readonly class: string | null;
    readonly kinds: readonly string[];
    readonly severity: Severity;
    readonly flag: string | null;
  },
  now: Date,
): string {
  const wishes = [asked.vault];
  const classOf = (name: string): string => {
    const found = entryOf(config.classes, name);
    if (found === undefined)
      throw new HoldfastError("config", `retention.classes: the case asks for class ${JSON.stringify(name)}, which the configuration does not have`);
    return found;
  };
  if (asked.class !== null) wishes.push(classOf(asked.class));
  const bySeverity = entryOf(config.bySeverity, asked.severity);
  if (bySeverity !== undefined) wishes.push(classOf(bySeverity));
  for (const kind of asked.kinds) {
    const byKind = entryOf(config.byKind, kind);
    if (byKind !== undefined) wishes.push(byKind);
  }
  if (asked.flag !== null) wishes.push(asked.flag);
  const longest = Math.max(...wishes.map((wish) => parseDuration(wish, "retention")));
  return wholeSecond(new Date(now.getTime() + longest));
}

/** RFC 3339 UTC without a fraction, rounded up. Throws `usage` where the year has no four digits: no store could keep until then. */
export function wholeSecond(time: Date): string {
  const up = new Date(Math.ceil(time.getTime() / 1000) * 1000);
  if (!yearIsWritable(up)) throw new HoldfastError("usage", "retention: it would end after the year 9999; keep for a shorter time");
  return up.toISOString().replace(".000Z", "Z");
}
