import { afterEach, beforeEach, expect, test } from "vitest";
import type { Vault } from "../../src/core/vault.ts";
import { startFaultProxy, type FaultProxy } from "../clouds/fault-proxy.ts";
import { startS3Fake, type S3Fake } from "../clouds/s3-fake.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { never, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

const traits: VaultTraits = { partSize: 4096, mode: "compliance", lock: "irrevocable", seals: true, versions: true, oneWinner: true, failsProbes: [] };
const small = bytesOf(100, "small");
const forever = Number.POSITIVE_INFINITY;
let fake: S3Fake;
let proxy: FaultProxy;
beforeEach(async () => {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }] });
  proxy = await startFaultProxy(fake.url, []);
});
afterEach(async () => {
  await proxy.stop();
  await fake.stop();
});

function openVault(): Vault {
  return s3VaultOf({ endpoint: proxy.url, credentials: fake.credentials, bucket: "evidence" }, { attempts: 2, sleep: async () => undefined });
}

test.for([
  ["AuthorizationHeaderMalformed", 400, "config", "region"],
  ["RequestTimeTooSkewed", 403, "config", "clock"],
  ["PermanentRedirect", 301, "config", "another region"],
  ["NoSuchBucket", 404, "vault", "create it with Object Lock enabled"],
  ["AccessDenied", 403, "vault", "check permissions"],
] as const)("%s is told with what to do about it", async ([errorCode, status, code, advice]) => {
  proxy.add({ on: "any", times: forever, does: { kind: "answer", status, code: errorCode } });
  const vault = openVault();
  await expect(vault.put(requestOf(traits, small), never)).rejects.toMatchObject({ code, message: expect.stringContaining(advice) });
});

test("wrong credentials from the first call on are a matter of configuration", async () => {
  proxy.add({ on: "any", times: forever, does: { kind: "answer", status: 403, code: "InvalidAccessKeyId" } });
  await expect(openVault().put(requestOf(traits, small), never)).rejects.toMatchObject({ code: "config" });
});

test("a store that cannot be reached is named as a vault that cannot be used", async () => {
  const vault = openVault();
  await proxy.stop();
  await expect(vault.put(requestOf(traits, small), never)).rejects.toMatchObject({ code: "vault", message: expect.stringContaining("ECONNREFUSED") });
});
