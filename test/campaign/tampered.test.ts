import { expect, test } from "vitest";
import { edits, tampered } from "./tampered.ts";

test("each kind of tampering is found and rightly named, and homes that nobody touched are intact", async () => {
  const seed = Date.now() % 1_000_000_000;
  const { summary, failures } = await tampered({ seed, count: edits.length, say: () => undefined }, 300);
  console.log(summary);
  expect(failures).toEqual([]);
});
