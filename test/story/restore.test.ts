import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { mirroredHome, restoreClaims } from "./restore-story.ts";

let fake: S3Fake;
let used = 0;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: Array.from({ length: 8 }, (_, i) => ({ name: `vault-${i}`, objectLock: true })) });
});
afterAll(async () => {
  expect(fake.violations).toEqual([]);
  await fake.stop();
});
const place = (endpoint: string = fake.url): { endpoint: string; credentials: S3Fake["credentials"]; bucket: string } => ({
  endpoint,
  credentials: fake.credentials,
  bucket: `vault-${used++}`,
});

describe("restore, on the honest fake", () => {
  restoreClaims(async () => place());
});

test("a mirror that is down loses no act: it is said, shown as pending, and made good by the next act", async () => {
  using dir = temporary("pending");
  const proxy = await startFaultProxy(fake.url, []);
  try {
    const options = mirroredHome(dir.path, place(proxy.url));
    expect((await holdfast(["case", "open", "P-1", "--reason", "r"], options)).code).toBe(0);
    proxy.add({ on: "any", times: Number.POSITIVE_INFINITY, does: { kind: "answer", status: 403, code: "AccessDenied" } });
    const noted = await holdfast(["case", "note", "P-1", "the store is down"], options);
    expect([noted.code, noted.stdout.trim()]).toEqual([0, "noted as act 2"]);
    expect(noted.stderr).toMatch(/newest acts are not in the mirror \(vault main\) yet.*store denies it/);
    type Status = {
      readonly anchors: readonly {
        readonly anchor: string;
        readonly size: string | null;
        readonly pending: string | null;
        readonly trouble: { readonly kind: string } | null;
      }[];
    };
    const worm = async (): Promise<Status["anchors"][number] | undefined> =>
      (await holdfastJson<Status>(["status"], options)).json.anchors.find(({ anchor }) => anchor === "worm");
    expect(await worm()).toMatchObject({ size: null, trouble: { kind: "broken" } });
    proxy.clear();
    expect(await worm()).toMatchObject({ size: "2", pending: "1", trouble: null });
    expect((await holdfast(["status"], options)).stdout).toContain("holds 2 acts; 1 are pending");
    expect((await holdfast(["case", "note", "P-1", "the store is back"], options)).stderr).toBe("");
    expect(await worm()).toMatchObject({ size: "4", pending: "0", trouble: null });
    const audit = await holdfastJson<{ verdict: string; assurance: string; size: string }>(["ledger", "audit"], options);
    expect(audit.json).toMatchObject({ verdict: "intact", assurance: "worm", size: "4" });
  } finally {
    await proxy.stop();
  }
});
