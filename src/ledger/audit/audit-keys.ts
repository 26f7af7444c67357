import type { Act } from "../../core/act.ts";
import { describeError } from "../../core/error.ts";
import { formatVkey, type Vkey } from "../keys/log-key.ts";
import type { LogVkeys } from "../keys/log-keys.ts";
import type { Problems } from "./problems.ts";
import { checkSuccession } from "../keys/succession.ts";

export type KeysAudit = { act(act: Act): void; end(): void };

/**
 * Every change of generation in the list of keys has its act before it, which names the new keys and which the old ones signed for.
 * A list that somebody made longer, or an act without its change, is told.
 */
export function auditKeys({ origin, vkeys }: LogVkeys, problems: Problems): KeysAudit {
  const due = new Map(generations(vkeys).map((change) => [change.names, change]));
  const met = new Set<string>();
  return {
    act(act) {
      if (act.act !== "key-rotated" && act.act !== "key-revoked") return;
      const names = namesOf(act);
      const change = due.get(names);
      if (change === undefined) {
        problems.add("start-without-end", act.seq, `entry ${act.seq} gives this log new keys, and they do not sign yet; go on with holdfast key rotate`);
        return;
      }
      const wanted = act.act === "key-revoked" ? "revoked" : "rotated";
      if (act.seq >= change.at) problems.add("signature", act.seq, `entry ${act.seq} names the keys that sign from size ${change.at} on, and stands behind it`);
      else if (change.end !== wanted)
        problems.add("signature", act.seq, `entry ${act.seq} says that keys were ${wanted}, and the list of keys says ${change.end}`);
      else {
        try {
          checkSuccession(String(act.detail["succession"]), origin, names.split("\n"), change.old);
          met.add(names);
        } catch (error) {
          problems.add("signature", act.seq, `entry ${act.seq} gives this log new keys: ${describeError(error)}`);
        }
      }
    },
    end() {
      for (const { names, at } of due.values())
        if (!met.has(names)) problems.add("signature", null, `the list of keys says that others sign from size ${at} on, and no act that holds says so`);
    },
  };
}

type Change = { readonly at: number; readonly end: string; readonly old: readonly Vkey[]; readonly names: string };

function generations(vkeys: readonly Vkey[]): readonly Change[] {
  const ends = [...new Set(vkeys.flatMap(({ signs }) => signs?.until ?? []))];
  return ends.map((at) => {
    const old = vkeys.filter(({ signs }) => signs?.until === at);
    const next = vkeys.filter(({ signs }) => signs?.from === at);
    return { at, end: old[0]?.signs?.end ?? "", old, names: next.map(formatVkey).join("\n") };
  });
}

function namesOf(act: Act): string {
  const { asked } = act.detail;
  const keys = typeof asked === "object" && asked !== null && !Array.isArray(asked) && "keys" in asked ? asked.keys : null;
  return Array.isArray(keys) ? keys.join("\n") : "";
}
