import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type CollectJson, holdfastJson, startHoldfast, temporary, type VerifyJson } from "./holdfast.ts";
import { makeImage } from "./images.ts";

const mib = 1024 * 1024;
type StatusJson = { readonly collections: readonly { readonly collection: string; readonly state: string }[] };

test("twenty collectors at once into one case, five of them killed and resumed: numbers are contiguous and the audit is clean", async () => {
  using dir = temporary("many");
  const home = join(dir.path, "home");
  const logs = join(dir.path, "logs");
  const image = join(dir.path, "disk.img");
  mkdirSync(logs);
  writeFileSync(join(logs, "a.log"), "line\n".repeat(1000));
  makeImage(image, 256 * mib, 8);
  // All twenty find no home: exactly one of them makes it.
  const runs = Array.from({ length: 20 }, (_, i) => ({
    i,
    ...startHoldfast(
      [
        "--json",
        "collect",
        "host:local",
        "--case",
        "MANY",
        "--reason",
        `collector ${i}`,
        ...(i % 4 === 3 ? ["--kind", "disk-image", "--disk", image] : ["--kind", "access-logs", "--log", logs]),
      ],
      { home },
    ),
  }));
  await sleep(1500);
  const killed = runs.filter((run) => run.i % 4 === 3 && run.child.exitCode === null);
  for (const { child } of killed) child.kill("SIGKILL");
  for (const run of runs) {
    const { code, stderr } = await run.ended;
    if (!killed.includes(run)) expect([run.i, code, code === 0 ? "" : stderr]).toEqual([run.i, 0, ""]);
  }

  const status = await holdfastJson<StatusJson>(["status"], { home });
  for (const { collection, state } of status.json.collections)
    if (state !== "finished") {
      const resumed = await holdfastJson<CollectJson>(["resume", collection], { home });
      expect([resumed.code, resumed.json.collections[0]?.exhibits.map((e) => [e.outcome, e.detail])]).toEqual([0, [["collected", null]]]);
    }

  const exhibits = await holdfastJson<{ exhibits: { id: string; outcome: string }[] }>(["exhibits", "--case", "MANY"], { home });
  const numbers = exhibits.json.exhibits.map((e) => Number(e.id.split("/")[1]));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, i) => i + 1));
  expect(numbers.length).toBeGreaterThanOrEqual(20 - killed.length);
  const audit = await holdfastJson<{ verdict: string; problems: unknown[] }>(["ledger", "audit"], { home });
  expect([audit.code, audit.json.verdict, audit.json.problems]).toEqual([0, "intact", []]);
  expect((await holdfastJson<VerifyJson>(["verify"], { home })).json.verdict).toBe("intact");
});
