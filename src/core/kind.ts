import { HoldfastError } from "./error.ts";

/** What kinds of evidence there are (contract.md), in the order of volatility of design.md. */
export const kinds = ["state", "memory", "disk", "services", "capture", "flow-logs", "access-logs", "disk-image"] as const;
/** `freeze` and `containment` are kinds of acts: they give no exhibit. */
export type Kind = (typeof kinds)[number] | "ingested" | "freeze" | "containment";

export function parseKinds(text: string): readonly Kind[] {
  return text.split(",").map((word) => {
    const kind = kinds.find((k) => k === word.trim());
    if (kind === undefined) throw new HoldfastError("usage", `--kind: ${JSON.stringify(word)} is not a kind; choose from ${kinds.join(", ")}`);
    return kind;
  });
}
