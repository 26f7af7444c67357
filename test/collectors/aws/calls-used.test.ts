import { expect, test } from "vitest";
import { allCalls, callsNamedInSource } from "./calls-used.ts";

// The other half, that servers saw each of these calls and no other, is the story test's: it watches a whole run.
test("every call of the table is named in the collector's source: no right is asked for that nothing uses", async () => {
  const named = await callsNamedInSource();
  expect(allCalls().filter((name) => !named.has(name))).toEqual([]);
});
