import { printable } from "../../../src/core/printable.ts";
import type { Output } from "../client/link.ts";

type Selectors = Pick<Output<"cloudtrail:GetEventSelectors">, "EventSelectors" | "AdvancedEventSelectors">;

/**
 * What a trail's selectors leave out of the management events; null where they take them all. Whoever narrows them hides what follows
 * while the trail goes on to log, with a digest chain that is whole.
 */
export function leftOut({ EventSelectors: basic = [], AdvancedEventSelectors: advanced = [] }: Selectors): string | null {
  if (basic.length > 0) return basicLack(basic);
  return advanced.length > 0 ? advancedLack(advanced) : null; // a trail without any takes all management events (User Guide, "Logging management events")
}

function basicLack(selectors: NonNullable<Selectors["EventSelectors"]>): string | null {
  const taking = selectors.filter(({ IncludeManagementEvents: management = true }) => management);
  const takes = (kind: "ReadOnly" | "WriteOnly"): boolean => taking.some(({ ReadWriteType: type = "All" }) => type === "All" || type === kind);
  if (!takes("ReadOnly") || !takes("WriteOnly")) return "its selectors leave out management events, or those that read or write";
  const excluded = taking.flatMap(({ ExcludeManagementEventSources: sources = [] }) => sources);
  return excluded.length === 0 ? null : `its selectors leave out management events of ${list(excluded)}`;
}

/** Any field beside the category narrows what is taken. */
function advancedLack(selectors: NonNullable<Selectors["AdvancedEventSelectors"]>): string | null {
  const taking = selectors
    .map(({ FieldSelectors: fields = [] }) => fields)
    .filter((fields) => fields.some(({ Field: field, Equals: equals = [] }) => field === "eventCategory" && equals.includes("Management")));
  if (taking.length === 0) return "its selectors leave out management events";
  const narrowed = taking.map((fields) => fields.flatMap(({ Field: field }) => (field === undefined || field === "eventCategory" ? [] : [field])));
  return narrowed.some((fields) => fields.length === 0) ? null : `its selectors take management events by ${list(narrowed.flat())} only`;
}

function list(names: readonly string[]): string {
  return [...new Set(names)].map(printable).join(", ");
}
