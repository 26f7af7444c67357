import { HoldfastError } from "../../core/error.ts";
import { formatVkey, parseVkey, type SignedSizes, type Vkey } from "./log-key.ts";
import type { LogVkeys } from "./log-keys.ts";

/** One line of `log.vkey`: a key that signs today, or `until SIZE rotated|revoked VKEY`. */
const RETIRED = /^until (0|[1-9]\d{0,15}) (rotated|revoked) (\S+)$/;

/**
 * The keys of a log with the sizes that each generation signs (FORMAT.md §7): a retired one those below its `until`, from that of the
 * generation before it on. Throws `config`, naming `where`.
 */
export function parseVkeys(list: string, where: string): LogVkeys {
  const lines = list
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, until, end, vkey] = RETIRED.exec(line) ?? [];
      return vkey === undefined
        ? { vkey: parseVkey(line), until: null, end: null }
        : { vkey: parseVkey(vkey), until: Number(until), end: end === "revoked" ? ("revoked" as const) : ("rotated" as const) };
    });
  const ends = [...new Set(lines.flatMap(({ until }) => until ?? []))].sort((a, b) => a - b);
  const vkeys = lines.map(({ vkey, until, end }): Vkey => {
    const signs: SignedSizes = { from: ends.findLast((size) => until === null || size < until) ?? 0, until, end };
    return { ...vkey, signs };
  });
  const origin = vkeys[0]?.name;
  if (origin === undefined || vkeys.some((vkey) => vkey.name !== origin) || currentKeys(vkeys).length === 0)
    throw new HoldfastError("config", `${where} must list the verifier keys of one log, one a line`);
  return { origin, vkeys };
}

/** What `log.vkey` holds for these keys: those that sign today, then the retired ones, the newest first. */
export function vkeyText({ vkeys }: LogVkeys): string {
  const retired = vkeys.filter((vkey) => !isCurrent(vkey)).sort((a, b) => (b.signs?.until ?? 0) - (a.signs?.until ?? 0));
  return [
    ...currentKeys(vkeys).map((vkey) => `${formatVkey(vkey)}\n`),
    ...retired.map((vkey) => `until ${vkey.signs?.until ?? 0} ${vkey.signs?.end ?? "rotated"} ${formatVkey(vkey)}\n`),
  ].join("");
}

/** The keys that sign the next head. */
export function currentKeys(vkeys: readonly Vkey[]): readonly Vkey[] {
  return vkeys.filter(isCurrent);
}

/** The size of the first head that today's keys sign. */
export function currentFrom(vkeys: readonly Vkey[]): number {
  return currentKeys(vkeys)[0]?.signs?.from ?? 0;
}

function isCurrent({ signs }: Vkey): boolean {
  return signs === undefined || signs.until === null;
}
