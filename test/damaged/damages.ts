import type { Damage } from "./damage.ts";
import { historyDamages } from "./damages-history.ts";
import { tableDamages } from "./damages-tables.ts";

export const damages: readonly Damage[] = [...historyDamages, ...tableDamages];
