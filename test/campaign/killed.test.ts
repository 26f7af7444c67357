import { expect, test } from "vitest";
import { killed } from "./killed.ts";

test("a writer killed under load, at each point from the commit to the receipt, loses no answered act and signs one head a size", async () => {
  const seed = Date.now() % 1_000_000_000;
  const { summary, failures } = await killed({ seed, count: 8, say: () => undefined });
  console.log(summary);
  expect(failures).toEqual([]);
});
