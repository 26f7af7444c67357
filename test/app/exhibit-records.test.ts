import { expect, test } from "vitest";
import { writeExhibitRecords } from "../../src/app/exhibit-records.ts";
import { homePaths } from "../../src/app/home.ts";
import type { ActName } from "../../src/core/act.ts";
import { outcomeDetailToJson } from "../../src/core/outcome-detail.ts";
import { openReader } from "../../src/ledger/read/reader.ts";
import { startS3Fake } from "../clouds/s3-fake.ts";
import { draft, forever, open, opening, tempHome } from "../ledger/support.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { inSeconds } from "../suite/vault-bench.ts";

test("evidence that its provider holds in place has its record in the vault of its collection, once that has ended; what gave nothing has none", async () => {
  using home = tempHome();
  const fake = await startS3Fake({ buckets: [{ name: "b", objectLock: true }] });
  const vault = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "b" });
  const until = inSeconds(7200);
  const recorder = await open(home.paths);
  const work = { case: "H-1", collection: "c-1", lease: 1 };
  const outcome = (act: ActName, id: string, held: boolean): ReturnType<typeof draft> =>
    draft(act, {
      ...work,
      once: `c-1/${id}/outcome`,
      exhibits: [id],
      detail: outcomeDetailToJson({
        kind: "disk",
        name: "vol-1",
        mediaType: "application/octet-stream",
        text: null,
        files: null,
        transform: [],
        reproducible: true,
        coverage: null,
        put: null,
        held: held
          ? {
              provider: "aws",
              uri: "arn:aws:ec2:::snapshot/snap-1",
              bytes: 1,
              asked: { mode: "snapshot", retainUntil: until, legalHold: false },
              reference: {},
            }
          : null,
      }),
    });
  await recorder.append([opening("H-1"), draft("started", { ...work, once: "c-1/started", reserve: 2 })]);
  await recorder.append([outcome("collected", "H-1/001", true), outcome("denied", "H-1/002", false)]);
  const services = {
    paths: { ...homePaths("/nowhere", null), ledger: home.paths },
    vault: async () => vault,
    clock: () => new Date(),
    reader<T>(look: (reader: ReturnType<typeof openReader>) => T): T {
      const reader = openReader(home.paths);
      try {
        return look(reader);
      } finally {
        reader.close();
      }
    },
  };
  const write = (): Promise<readonly string[]> => writeExhibitRecords(services, { collection: "c-1", case: "H-1", vault: "s3" }, forever);
  expect(await write()).toEqual([]);
  expect(fake.bucket("b").keys.size).toBe(0); // still running
  await recorder.append([draft("finished", { ...work, once: "c-1/finished" })]);
  await recorder.close();
  for (let again = 0; again < 2; again += 1) expect(await write()).toEqual([]);
  expect([...fake.bucket("b").keys].map(([key, versions]) => [key, versions.map(({ retention }) => retention?.until.getTime())])).toEqual([
    ["holdfast/H-1/001-c-1/exhibit.json", [Date.parse(until)]],
  ]);

  // Somebody wrote another one over it: ours is the first version, and is what is looked at.
  const versions = fake.bucket("b").keys.get("holdfast/H-1/001-c-1/exhibit.json");
  const [ours] = versions ?? [];
  if (ours === undefined) throw new Error("no record");
  versions?.unshift({ ...ours, id: "later", data: [Buffer.from("{}")], size: 2 });
  expect(await write()).toEqual([]);
  versions?.splice(0, 2, { ...ours, data: [Buffer.from("{}")], size: 2 });
  expect(await write()).toEqual([expect.stringMatching(/^ALARM: H-1\/001-c-1\/exhibit\.json in vault s3 is no record of exhibit H-1\/001/)]);
  vault.close();
  expect(fake.violations).toEqual([]);
  await fake.stop();
});
