import { expect, test } from "vitest";
import { powerLoss } from "./power-loss.ts";

const victim = process.env["HOLDFAST_TEST_VICTIM"] ?? "";

test.skipIf(victim === "")(
  "acts with a receipt survive a loss of power that drops every unsynced write, and those of a writer that does not sync are lost (HOLDFAST_TEST_VICTIM)",
  async () => {
    const seed = Date.now() % 1_000_000_000;
    const { summary, failures } = await powerLoss({ seed, count: 2, say: () => undefined });
    console.log(summary);
    expect(failures).toEqual([]);
  },
);
