import { expect } from "vitest";
import type { AwsFake } from "./aws-fake.ts";
import { modelsMissing } from "./model.ts";

/** Every request and every reply of this test is as the vendor models it. Where a model is not here, that is said by name: nothing is proven then. */
export async function expectAsModelled(fake: AwsFake): Promise<void> {
  const missing = await modelsMissing([...new Set(fake.exchanges.map(({ service }) => service))]);
  if (missing.length > 0) console.warn(`NOT PROVEN: the vendor's models of ${missing.join(", ")} are not here; replies were not held against them`);
  else expect(await fake.differences()).toEqual([]);
}
