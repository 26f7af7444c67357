import { HoldfastError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { documents } from "../core/schema/documents.ts";
import type { Session } from "./session.ts";

/** Prints one JSON Schema, or the names of all. */
export async function schema(session: Session, name: string | null): Promise<number> {
  if (name === null) {
    for (const known of Object.keys(documents)) session.output.data(known);
    return 0;
  }
  const found = documents[name.replace(/^holdfast\./, "").replace(/\/1$/, "")];
  if (found === undefined) {
    const guess = nearest(name, Object.keys(documents));
    throw new HoldfastError("usage", `there is no schema ${JSON.stringify(name)}${guess === null ? "" : `; did you mean ${guess}?`}`);
  }
  session.output.data(JSON.stringify(found, null, 2));
  return 0;
}
