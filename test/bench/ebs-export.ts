import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openAwsLink } from "../../collectors/aws/client/client.ts";
import { openSnapshotImage } from "../../collectors/aws/disk-image/disk-image.ts";
import { openEbsAccounts } from "../../collectors/aws/disk-image/ebs-account.ts";
import { linkBlocks } from "../../collectors/aws/disk-image/ebs-link.ts";
import { noAws } from "../../src/core/config-aws.ts";
import type { Vault } from "../../src/core/vault.ts";
import { openPartStream } from "../../src/stream/part-stream.ts";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import { snapshotId } from "../clouds/ebs-source.ts";
import { memoryJournal } from "../suite/memory-journal.ts";

// One export in a process of its own, by the collector's source and the vault's pipeline: `node ebs-export.ts --endpoint URL --gib N
// --into directory:PATH|s3:URL`. Prints the digest, read back from nothing: it is the one that an act would hold.
const { values } = parseArgs({
  options: { endpoint: { type: "string", default: "" }, gib: { type: "string", default: "8" }, into: { type: "string", default: "" } },
});
const clock = (): Date => new Date();
const random = (n: number): Uint8Array => randomBytes(n);
const wait = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });
const { signal } = new AbortController();

async function vaultOf(into: string): Promise<Vault> {
  const place = into.slice(into.indexOf(":") + 1);
  if (into.startsWith("directory:")) return openDirectoryVault({ name: "bench", root: place, clock, random, immutable: false });
  const { makeLockedBucket, s3VaultOf } = await import("../suite/s3-bench.ts");
  const credentials = { accessKeyId: "bench", secretAccessKey: "bench-secret" };
  await makeLockedBucket({ endpoint: place, credentials, bucket: "evidence" });
  return s3VaultOf({ endpoint: place, credentials, bucket: "evidence" });
}

const link = openAwsLink({
  config: { ...noAws, endpoint: values.endpoint },
  region: "us-east-1",
  account: null,
  case: "B",
  collection: "bench",
  clock,
  random,
  sleep: wait,
});
const account = openEbsAccounts({ now: () => performance.now(), sleep: wait, random })("111122223333", "us-east-1");
const facts = { id: snapshotId, state: "completed", volumeGiB: Number(values.gib), startTime: new Date(0) };
const opened = await openSnapshotImage(facts, linkBlocks(link, "source", null, snapshotId), account, signal);
if (opened.kind !== "source") throw new Error(JSON.stringify(opened));
const { source } = opened;
await using stream = openPartStream(source, { compress: "auto", replay: [], signal });
const vault = await vaultOf(values.into);
const retention = { mode: vault.mode, retainUntil: new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, ""), legalHold: false };
await vault.put({ key: `B/001-${Date.now()}/disk-image.img.zst`, mediaType: source.mediaType, retention, stream, journal: memoryJournal() }, signal);
console.log(JSON.stringify({ sha256: (await stream.digest()).sha256, rate: account.snapshot(snapshotId).rate() }));
await source.close();
link.close();
vault.close();
