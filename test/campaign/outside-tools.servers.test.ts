import { existsSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { toolPath } from "../clouds/setup.ts";
import { outsideTools } from "./outside-tools.ts";

const built = ["foreign", "fsck", "litewitness"].every((tool) => existsSync(toolPath(inject("toolCache"), tool)));

test.skipIf(!built)("every outside tool accepts a fresh export and receipt, and refuses the damaged twin", async () => {
  const lines: string[] = [];
  const { failures } = await outsideTools({ seed: 0, count: 1, say: (line) => lines.push(line) });
  expect(failures, lines.join("\n")).toEqual([]);
  expect(lines.length).toBe(24);
});
