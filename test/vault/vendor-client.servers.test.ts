import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { toolPath } from "../clouds/setup.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { makeLockedBucket, placeOf, type S3Place, s3VaultOf } from "../suite/s3-bench.ts";
import { inSeconds, never, receiptOf, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const run = promisify(execFile);
const traits: VaultTraits = { partSize: 5 << 20, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
const { moto, ...servers } = inject("servers");

/** The judge is AWS's own command line, which knows nothing of Holdfast. */
describe.for(["minio", "versitygw"] as const)("what the vault sealed on %s, seen by `aws s3api`", (name) => {
  const found = servers[name];
  const missing = found.kind === "none" ? found.why : moto.kind === "none" ? `the aws command: ${moto.why}` : null;
  let place: S3Place;
  let folder = "";

  beforeAll(async () => {
    if (found.kind === "none") return;
    place = placeOf(found.server, "vendor");
    await makeLockedBucket(place);
    folder = await mkdtemp(join(tmpdir(), "holdfast-vendor-"));
  });
  afterAll(() => (folder === "" ? undefined : rm(folder, { recursive: true, force: true })));

  async function aws(...args: readonly string[]): Promise<string> {
    const { accessKeyId, secretAccessKey } = place.credentials;
    const env = {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    const { stdout } = await run(toolPath(inject("toolCache"), "aws"), ["--endpoint-url", place.endpoint, "--output", "json", ...args], { env });
    return stdout;
  }

  /** What the program said when it was refused, or `done`. */
  async function refusal(...args: readonly string[]): Promise<string> {
    try {
      await aws(...args);
      return "done";
    } catch (error) {
      if (error instanceof Error && "stderr" in error) return String(error.stderr).trim();
      throw error;
    }
  }

  test.for([
    ["one put", 100_000],
    ["three parts", (10 << 20) + 17],
  ] as const)("%s: sealed until the day, the bytes are the evidence's, and no delete or downgrade is let through", async ([, length], { skip }) => {
    if (missing !== null) return skip(`${name}: ${missing}`);
    const evidence = bytesOf(length, `${name} ${length}`);
    const retainUntil = inSeconds(86_400);
    const vault = s3VaultOf(place);
    const request = requestOf(traits, evidence, { retainUntil, legalHold: true });
    const stored = await vault.put(request, never);
    expect(await receiptOf(vault, stored)).toMatchObject({ sealed: true, retainUntil, legalHold: true, problems: [] });
    vault.close();

    const at = ["--bucket", place.bucket, "--key", `holdfast/${request.key}`, "--version-id", stored.version ?? "none"];
    const { Retention } = JSON.parse(await aws("s3api", "get-object-retention", ...at));
    expect([Retention.Mode, new Date(Retention.RetainUntilDate).getTime()]).toEqual(["COMPLIANCE", new Date(retainUntil).getTime()]);
    expect(JSON.parse(await aws("s3api", "get-object-legal-hold", ...at)).LegalHold.Status).toBe("ON");

    const copy = join(folder, `copy-${length}`);
    await aws("s3api", "get-object", ...at, copy);
    const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    expect(sha256(await readFile(copy))).toBe(sha256(evidence));

    expect(await refusal("s3api", "delete-object", ...at)).toMatch(/AccessDenied|WORM protected/);
    expect(await refusal("s3api", "delete-object", "--bypass-governance-retention", ...at)).toMatch(/AccessDenied|WORM protected/);
    const downgrade = JSON.stringify({ Mode: "GOVERNANCE", RetainUntilDate: retainUntil });
    expect(await refusal("s3api", "put-object-retention", ...at, "--retention", downgrade)).toMatch(/AccessDenied|WORM protected|InvalidRequest/);
    // Without a version it looks like success; what was sealed is still there.
    expect(await refusal("s3api", "delete-object", "--bucket", place.bucket, "--key", `holdfast/${request.key}`)).toBe("done");
    expect(JSON.parse(await aws("s3api", "head-object", ...at)).ContentLength).toBe(length);
  });
});
