import { tmpdir } from "node:os";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type Server } from "../clouds/servers.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { placeOf, s3ClientOf, s3VaultOf, type S3Place } from "../suite/s3-bench.ts";
import { inSeconds, never, requestOf, type VaultTraits } from "../suite/vault-bench.ts";

/** s3rver takes locks with 200 and keeps none: the liar of the tier that needs npm only. */
const traits: VaultTraits = { partSize: 5 << 20, mode: "compliance", lock: "unknown", seals: false, versions: false, oneWinner: true, failsProbes: [] };
let server: Server;
let place: S3Place;
beforeAll(async () => {
  server = await startServer("s3rver", tmpdir());
  place = placeOf(server, "liar");
  const client = s3ClientOf(place);
  await client.send(new CreateBucketCommand({ Bucket: place.bucket }));
  client.destroy();
});
afterAll(() => server.stop());

test.for([10, (5 << 20) + 1])("%i bytes in s3rver are kept and never called sealed", async (length) => {
  const vault = s3VaultOf(place, { attempts: 2, sleep: async () => undefined });
  const stored = await vault.put(requestOf(traits, bytesOf(length, "lied"), { legalHold: true }), never);
  const state = await vault.attest(stored, "identity", never);
  expect(state).toMatchObject({ kind: "present", receipt: { sealed: false, bytes: String(length), mode: null } });
  if (state.kind === "present")
    expect(state.receipt.problems.map((problem) => problem.split(":")[0])).toEqual(expect.arrayContaining(["version", "lock", "hold"]));
});

test.for([10, (5 << 20) + 1])("a taken key is looked for, since s3rver does not know If-None-Match (%i bytes)", async (length) => {
  const vault = s3VaultOf(place, { attempts: 1 });
  const first = requestOf(traits, bytesOf(length, "first"));
  await vault.put(first, never);
  await expect(vault.put(requestOf(traits, bytesOf(length + 1, "second"), { key: first.key }), never)).rejects.toMatchObject({ code: "object-exists" });
});

test("the doctor finds s3rver unfit", async () => {
  const vault = s3VaultOf(place, { attempts: 1 });
  expect((await vault.probe(never)).some((answer) => answer.fatal && !answer.ok)).toBe(true);
});

test("retention that cannot be read cannot be extended", async () => {
  const vault = s3VaultOf(place, { attempts: 1 });
  const stored = await vault.put(requestOf(traits, bytesOf(10, "extended")), never);
  await expect(vault.extend(stored, inSeconds(9000), never)).rejects.toMatchObject({ code: "vault" });
});
