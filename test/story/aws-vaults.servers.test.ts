import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, test } from "vitest";
import { startServer } from "../clouds/servers.ts";
import { toolPath } from "../clouds/setup.ts";
import { makeLockedBucket } from "../suite/s3-bench.ts";
import { openAwsStory, target } from "./aws-story.ts";
import { type CollectJson, type ExhibitJson, holdfast, holdfastJson, type VerifyJson } from "./holdfast.ts";

const run = promisify(execFile);
const servers = inject("servers");
const aws = toolPath(inject("toolCache"), "aws");
const kinds = ["state", "memory", "flow-logs", "disk-image"];

/** versitygw has no lifecycle and no access logging of buckets, which the state asks of the log buckets: each is a gap by name. */
const lacking = {
  minio: [],
  versitygw: ["trail-bucket", "flow-logs"].flatMap((bucket) =>
    ["s3:GetBucketLifecycleConfiguration", "s3:GetBucketLogging"].map((call) => `${call} {"Bucket":"${bucket}"} failed`),
  ),
} as const;

/**
 * MinIO takes the Region of whoever signs. versitygw is of us-east-1 and refuses the rest: the vault names it, and the log buckets,
 * which are on it too, are found by what it says to a collector in eu-west-1.
 */
for (const name of ["minio", "versitygw"] as const) {
  const found = servers[name];
  const title = "state, memory by links, flow logs and a disk image are sealed, verified, the planted bytes, and not to be deleted";
  describe(`an EC2 instance into a vault on ${name} (needs root: it makes a namespace for the machine)`, () => {
    if (found.kind === "none" || process.getuid?.() !== 0) return void test.skip(`${title}: ${found.kind === "none" ? found.why : "not root"}`);
    test(title, async () => {
      const server = await startServer(name, inject("toolCache"));
      await makeLockedBucket({ endpoint: server.url, credentials: server, bucket: "evidence" });
      const story = await openAwsStory({
        store: server,
        hours: 8,
        config: (config) => (name === "versitygw" ? config.replace("region: eu-west-1,", "region: us-east-1,") : config),
      });
      const options = { home: story.home, env: story.env };
      try {
        const args = ["collect", target, "--case", "V", "--reason", "r", "--kind", kinds.join(), "--disk", "/dev/sdf", "--since", "5h", "--until", "2h"];
        const { code, json, stderr } = await holdfastJson<CollectJson>(args, options);
        const whole = lacking[name].length === 0;
        const made = json.collections[0]?.exhibits ?? [];
        const exhibits = new Map(made.map((one) => [one.kind, one]));
        expect([code, made.map(({ kind, outcome, stored }) => `${kind} ${outcome} ${stored?.sealed}`)], stderr).toEqual([
          whole ? 0 : 4,
          [
            `state ${whole ? "collected" : "truncated"} true`,
            "memory collected true",
            ...Array(4).fill("disk collected true"),
            "flow-logs collected true",
            "disk-image collected true",
          ],
        ]);
        expect(made.flatMap(({ coverage }) => coverage?.gaps ?? []).map(({ what, outcome }) => `${what} ${outcome}`)).toEqual(lacking[name]);
        for (const kind of kinds) {
          const stored = exhibits.get(kind)?.stored;
          expect([kind, stored?.sealed, stored?.lock, stored?.mode, stored?.problems]).toEqual([kind, true, "irrevocable", "compliance", []]);
          expect(Date.parse(stored?.retainUntil ?? "")).toBeGreaterThan(Date.now() + 23 * 3_600_000);
        }
        const verified = await holdfastJson<VerifyJson>(["verify", "--case", "V"], options);
        expect([verified.code, verified.json.verdict]).toEqual([0, "intact"]);
        const verdicts = verified.json.exhibits.map((one) => (one.verdict === "intact" ? `intact ${one.method}` : one.verdict)).sort();
        expect(verdicts).toEqual([...Array(4).fill("held-by-provider"), ...kinds.map(() => "intact rehash")]);
        const memory = exhibits.get("memory") ?? expect.fail("no memory");
        expect(memory.sha256).toBe(createHash("sha256").update(story.memory).digest("hex"));
        const out = join(story.dir, "memory.bytes");
        const fetched = await holdfast(["fetch", memory.id, "--out", out, "--reason", "look"], options);
        expect(fetched.code, fetched.stderr).toBe(0);
        expect(readFileSync(out).equals(story.memory)).toBe(true);
        expect(await story.left()).toEqual([]);
        await expectKept(memory, server.url, options.env);
        expect((await holdfast(["cleanup"], options)).stdout).toContain("nothing was left behind");
        expect(story.fake.unknown).toEqual([]);
        expect(await story.fake.differences()).toEqual([]);
      } finally {
        await story.close();
        await server.stop();
      }
    });
  });
}

/** The vendor's own client, with the root key of the server. */
async function expectKept({ stored }: ExhibitJson, endpoint: string, env: Readonly<Record<string, string>>): Promise<void> {
  const [bucket = "", ...key] = (stored?.uri ?? "").replace("s3://", "").split("/");
  const object = ["--bucket", bucket, "--key", key.join("/"), "--version-id", stored?.version ?? ""];
  const ask = (operation: string): ReturnType<typeof run> =>
    run(aws, ["--endpoint-url", endpoint, "s3api", operation, ...object], {
      env: { PATH: process.env["PATH"] ?? "", ...env, AWS_DEFAULT_REGION: "us-east-1" },
    });
  await expect(ask("delete-object")).rejects.toMatchObject({ stderr: expect.stringMatching(/WORM|AccessDenied|Object Lock|object lock/i) });
  await ask("head-object");
}
