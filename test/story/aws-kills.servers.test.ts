import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { type Server, startServer } from "../clouds/servers.ts";
import { makeLockedBucket, s3ClientOf } from "../suite/s3-bench.ts";
import { type AwsStory, openAwsStory, target } from "./aws-story.ts";
import { type ExhibitJson, holdfast, holdfastJson, type VerifyJson } from "./holdfast.ts";
import { type Killed, killAndResume, seeded } from "./kill-and-resume.ts";

const kills = 50;
/** Longest life of a killed run, in milliseconds: a whole run takes some ten seconds. */
const lifeMs = 4_000;

type CustodyJson = { readonly acts: readonly { readonly seq: string; readonly act: string; readonly step?: string | null }[] };

const found = inject("servers").minio;
const args = ["collect", target, "--case", "K", "--reason", "r", "--kind", "state,memory,disk,flow-logs,access-logs,disk-image", "--disk", "/dev/sdf"];

describe("a compromised instance, killed -9 at fifty random moments (needs root and MinIO)", () => {
  const title = "nothing is done twice, nothing is left unrecorded, and the digests are those of the planted bytes";
  if (found.kind === "none" || process.getuid?.() !== 0) return void test.skip(`${title}: ${found.kind === "none" ? found.why : "not root"}`);

  test(title, { timeout: 1_200_000 }, async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`kills: seed ${seed}`);
    const random = seeded(seed);
    let killed = 0;
    for (let run = 1; killed < kills; run += 1) {
      const minio = await startServer("minio", inject("toolCache"));
      await makeLockedBucket({ endpoint: minio.url, credentials: minio, bucket: "evidence" });
      const story = await openAwsStory({ store: minio, hours: 27 });
      try {
        const options = { home: story.home, env: story.env };
        const window = ["--since", "24h", "--until", "2h", "--isolate", "after-memory", "--identity"];
        const ended = await killAndResume([...args, ...window], options, kills - killed, lifeMs, random);
        killed += ended.kills;
        console.log(`kills: run ${run}, ${ended.kills} kills, exit ${ended.code}`);
        await expectWhole(story, minio, ended, `seed ${seed}, run ${run}`);
      } finally {
        await story.close();
        await minio.stop();
      }
    }
  });
});

async function expectWhole(story: AwsStory, minio: Server, { result, collection, code }: Killed, which: string): Promise<void> {
  const options = { home: story.home, env: story.env };
  const { world } = story;
  const exhibits: readonly ExhibitJson[] = result.collections[0]?.exhibits ?? [];
  const ended = exhibits.filter(({ outcome }) => outcome === "collected");
  expect(ended.map(({ kind, stored }) => [kind, stored?.sealed]).sort(), which).toEqual(
    ["access-logs", "disk", "disk", "disk", "disk", "disk-image", "flow-logs", "memory", "state"].map((kind) => [kind, true]),
  );
  // What had begun and could not go on was closed under its number and began again under another: partial is then the honest word.
  expect([0, 4], which).toContain(code);
  expect(
    exhibits.filter(({ outcome }) => outcome !== "collected").every(({ outcome, detail }) => outcome === "failed" && detail?.includes("starts again")),
    which,
  ).toBe(true);

  const own = world.ec2.snapshots.filter(({ tags }) => tags.get("holdfast:collection") === collection);
  expect(own.length, which).toBe(world.ec2.snapshots.filter(({ tags }) => tags.has("holdfast:collection")).length);
  expect(
    own
      .filter(({ copyOf }) => copyOf === null)
      .map(({ volume }) => volume)
      .sort(),
    `${which}: one snapshot set`,
  ).toEqual([world.root.id, world.data.id].sort());
  expect(
    own.filter(({ account }) => account === "444455556666"),
    `${which}: one copy a volume`,
  ).toHaveLength(2);
  expect(
    world.ec2.snapshots.flatMap(({ shared }) => [...shared]),
    `${which}: shares`,
  ).toEqual([]);

  const memory = ended.find(({ kind }) => kind === "memory");
  expect(memory?.sha256, which).toBe(createHash("sha256").update(story.memory).digest("hex"));
  expect(await story.left(), `${which}: on the host`).toEqual([]);

  const client = s3ClientOf({ endpoint: minio.url, credentials: minio, bucket: "evidence" });
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: "evidence" }));
  client.destroy();
  expect(Uploads ?? [], `${which}: unfinished uploads`).toEqual([]);

  await expectRecorded(story, exhibits, collection, which);
  const verified = await holdfastJson<VerifyJson>(["verify"], options);
  expect([verified.code, verified.json.verdict], which).toEqual([0, "intact"]);
  expect((await holdfast(["cleanup"], options)).stdout, which).toContain("nothing was left behind");
}

/** Every snapshot, command, group and policy that was made is named in an act, and no act stands there twice. */
async function expectRecorded({ home, env, world }: AwsStory, exhibits: readonly ExhibitJson[], collection: string, which: string): Promise<void> {
  const options = { home, env };
  const texts: string[] = [];
  for (const { id } of exhibits) {
    const { json } = await holdfastJson<CustodyJson>(["custody", id], options);
    for (const outcome of ["collected", "sealed"])
      expect(json.acts.filter(({ act }) => act === outcome).length, `${which}: ${id} ${outcome}`).toBeLessThanOrEqual(1);
    texts.push(JSON.stringify(json.acts));
  }
  const resumed = await holdfastJson<{ readonly collections: readonly { readonly changes: readonly unknown[] }[] }>(["resume", collection], options);
  texts.push(JSON.stringify(resumed.json.collections[0]?.changes));
  const all = texts.join("\n");
  const made = [...world.ec2.snapshots.filter(({ tags }) => tags.has("holdfast:collection")).map(({ id }) => id), ...world.ssm.commands.map(({ id }) => id)];
  expect(
    made.filter((id) => !all.includes(id)),
    `${which}: unrecorded`,
  ).toEqual([]);
}
