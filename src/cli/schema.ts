import { HoldfastError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { documents } from "../core/schema/documents.ts";
import { entryOf } from "../core/shape.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

/** Prints one JSON Schema, which is JSON whatever the options say, or the names of all. */
export async function schema(session: Session, name: string | null): Promise<number> {
  const names = Object.keys(documents);
  if (name === null) {
    present(session.output, { schema: "holdfast.schemas/1", names } as { schema: string }, null, () => names);
    return 0;
  }
  const found = entryOf(documents, name.replace(/^holdfast\./, "").replace(/\/1$/, ""));
  if (found === undefined) {
    const guess = nearest(name, names);
    throw new HoldfastError("usage", `there is no schema ${JSON.stringify(name)}${guess === null ? "" : `; did you mean ${guess}?`}`);
  }
  session.output.data(session.output.jsonl ? JSON.stringify(found) : JSON.stringify(found, null, 2));
  return 0;
}
