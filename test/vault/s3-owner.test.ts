import { afterEach, expect, test } from "vitest";
import type { Vault } from "../../src/core/vault.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { s3VaultOf } from "../suite/s3-bench.ts";
import { never } from "../suite/vault-bench.ts";

let fake: S3Fake | null = null;
let vault: Vault | null = null;
afterEach(async () => {
  vault?.close();
  await fake?.stop();
});

async function open(owner: string): Promise<Vault> {
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }], owner });
  vault = s3VaultOf({ endpoint: fake.url, credentials: fake.credentials, bucket: "evidence" });
  return vault;
}

test("a bucket of the suspect account is told from one of another", async () => {
  const opened = await open("111122223333");
  expect([await opened.ownedBy("111122223333", never), await opened.ownedBy("444455556666", never)]).toEqual(["yes", "no"]);
});

test("a store that refuses the question says nothing of whose it is", async () => {
  const opened = await open("111122223333");
  fake?.denied.add("GetBucketVersioning");
  expect(await opened.ownedBy("444455556666", never)).toBe("unknown");
});
