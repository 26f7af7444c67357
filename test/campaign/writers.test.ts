import { expect, test } from "vitest";
import { situations } from "./writer-situations.ts";
import { writers } from "./writers.ts";

test("of two writers on one file, on a copied home and on a restored snapshot the second is fenced, or told with both sizes", async () => {
  const seed = Date.now() % 1_000_000_000;
  const { summary, failures } = await writers({ seed, count: 2 * situations.length, say: () => undefined });
  console.log(summary);
  expect(failures).toEqual([]);
});
