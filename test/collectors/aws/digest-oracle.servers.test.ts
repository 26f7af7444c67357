/**
 * Against awscli's own validator: a generator and judge that is not ours makes chains, intact and damaged. Where it lies is said by
 * $HOLDFAST_TEST_DIGEST_ORACLE, else it is looked for beside the project (a Python file: `generate DIR`, `check DIR`, `cli DIR --aws PATH`).
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SummaryLine } from "../../../collectors/aws/digests/line.ts";
import { toolPath } from "../../clouds/setup.ts";
import { linesOf, orderOf, readerOf, summaryOf } from "./chain-reading.ts";
import { type ChainObject, digestChain, signingKey } from "./digest-chains.ts";

const run = promisify(execFile);
const beside = join(import.meta.dirname, "..", "..", "..", "..", "shared", "tools", "digest-oracle", "digest_oracle.py");
const oracle = process.env["HOLDFAST_TEST_DIGEST_ORACLE"] ?? (existsSync(beside) ? beside : "");
const cache = inject("toolCache");
let folder = "";
let made = "";

type Case = {
  readonly trail_arn: string;
  readonly region: string;
  readonly bucket: string;
  readonly start: string;
  readonly end: string;
  readonly expected_awscli: Readonly<Record<"rc" | "digests_valid" | "digests_invalid" | "logs_valid" | "logs_invalid", number>>;
  readonly strict_should_fail: boolean;
};

/** Where awscli's walk ends early or it does not look: our counts, by reason. */
const stricter: Readonly<Record<string, (expected: Case["expected_awscli"]) => Partial<Case["expected_awscli"]>>> = {
  // awscli never compares a digest with what the next one says of it
  relinked_digest: (e) => ({ digests_valid: e.digests_valid - 1, digests_invalid: 1 }),
  // without any key awscli gives up before the first digest; each is named as unverifiable here
  no_public_keys: () => ({ digests_invalid: 5 }),
};

const variants = [
  ...["ok", "deleted_log", "altered_log", "log_trailing_bytes", "log_second_gzip_member", "log_recompressed", "moved_log"],
  ...["missing_digest_middle", "missing_digest_newest", "missing_digest_oldest", "altered_digest", "wrong_key", "unknown_key"],
  ...["altered_signature", "no_signature_metadata", "moved_object", "moved_digest", "relinked_digest", "stopped_logging_gap"],
  ...["backfill", "backfill_no_timestamp", "no_public_keys"],
];

beforeAll(async () => {
  if (oracle === "") return;
  folder = await mkdtemp(join(tmpdir(), "holdfast-digests-"));
  made = await mkdtemp(join(tmpdir(), "holdfast-digests-made-"));
  await run(toolPath(cache, "python"), [oracle, "generate", folder]);
});
afterAll(async () => {
  for (const directory of [folder, made].filter((name) => name !== "")) await rm(directory, { recursive: true, force: true });
});

async function read<T>(variant: string, file: string): Promise<T> {
  return JSON.parse(await readFile(join(folder, variant, file), "utf8"));
}

async function ours(variant: string): Promise<{ readonly given: Case; readonly summary: SummaryLine }> {
  const given = await read<Case>(variant, "case.json");
  const objects = new Map<string, ChainObject>();
  for (const entry of await read<readonly (ChainObject & { readonly file: string })[]>(variant, "objects.json"))
    objects.set(`${entry.bucket}/${entry.key}`, { ...entry, bytes: await readFile(join(folder, variant, entry.file)) });
  const account = given.trail_arn.split(":")[4] ?? "";
  const order = orderOf({ trailArn: given.trail_arn, account, region: given.region, bucket: given.bucket, since: given.start, until: given.end });
  const lines = await linesOf(order, readerOf(objects, await read<unknown>(variant, "public-keys.json"), order));
  return { given, summary: summaryOf(lines) };
}

describe.skipIf(oracle === "")("awscli's validator, variant by variant (HOLDFAST_TEST_DIGEST_ORACLE)", () => {
  test("every variant that the oracle makes is looked at here", async () => {
    expect((await readdir(folder)).sort()).toEqual([...variants].sort());
  });

  test.for(variants)("%s: the same counts, and no weaker verdict", async (variant) => {
    const { given, summary } = await ours(variant);
    const { rc: _, ...counts } = { ...given.expected_awscli, ...stricter[variant]?.(given.expected_awscli) };
    expect({
      digests_valid: summary.digests.valid,
      digests_invalid: summary.digests.invalid + summary.digests.unverifiable,
      logs_valid: summary.logs.valid,
      logs_invalid: summary.logs.invalid + summary.logs.unverifiable,
    }).toEqual(counts);
    expect(summary.verdict !== "valid").toBe(given.strict_should_fail);
  });

  test("the oracle's own expectations hold: awscli's code, and the real `aws cloudtrail validate-logs`", async () => {
    for (const how of [["check"], ["cli", "--aws", toolPath(cache, "aws")]]) {
      const [command = "", ...rest] = how;
      const { stdout } = await run(toolPath(cache, "python"), [oracle, command, folder, ...rest], { maxBuffer: 1 << 24 });
      expect(stdout.match(/^as expected/gm)).toHaveLength(variants.length);
    }
  });

  test("chains of our own generator, quiet hours and a restart among them, are valid for awscli too", async () => {
    const key = signingKey();
    const chains = {
      plain: digestChain({ key, digests: 4, logs: 2, seed: "ours" }),
      quiet: digestChain({ key, digests: 3, logs: 0, seed: "ours" }),
      restart: digestChain({ key, digests: 4, logs: 1, seed: "ours", restart: { at: 2, hours: 5 } }),
    };
    for (const [name, chain] of Object.entries(chains)) {
      const directory = join(made, name);
      await mkdir(join(directory, "objects"), { recursive: true });
      const objects = [...chain.objects.values()].map(({ bytes, ...object }, at) => ({ ...object, bytes, file: `objects/${at}.bin` }));
      for (const { file, bytes } of objects) await writeFile(join(directory, file), bytes);
      const save = (file: string, value: unknown): Promise<void> => writeFile(join(directory, file), JSON.stringify(value));
      await save(
        "objects.json",
        objects.map(({ bytes: _, ...object }) => object),
      );
      await save("public-keys.json", [
        {
          Fingerprint: key.fingerprint,
          Value: key.pkcs1.toString("base64"),
          ValidityStartTime: "2026-10-01T00:00:00Z",
          ValidityEndTime: "2026-12-01T00:00:00Z",
        },
      ]);
      const expected = { rc: 0, digests_valid: chain.digestKeys.length, digests_invalid: 0, logs_valid: chain.logKeys.length, logs_invalid: 0 };
      await save("case.json", {
        ...{ name, trail_arn: chain.trailArn, region: chain.region, bucket: chain.bucket, start: chain.since, end: chain.until },
        ...{ expected_awscli: expected, strict_should_fail: false, note: "made by our generator" },
      });
    }
    const { stdout } = await run(toolPath(cache, "python"), [oracle, "check", made]);
    expect(stdout.match(/^as expected/gm)).toHaveLength(3);
  });
});
