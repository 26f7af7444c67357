import { expect, test } from "vitest";
import { failing } from "./failing.ts";

test("a writer whose writes, syncs or disk fail says so, gives no receipt for it, and starts again with all that had one", async () => {
  const seed = Date.now() % 1_000_000_000;
  const { summary, failures } = await failing({ seed, count: 9, say: () => undefined });
  console.log(summary);
  expect(failures).toEqual([]);
});
