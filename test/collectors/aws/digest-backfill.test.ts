import { expect, test } from "vitest";
import { linesOf, orderOf, readerOf, summaryOf, troubles } from "./chain-reading.ts";
import { type DigestBody, type DigestChain, digestChain, noLink, signDigest, signingKey } from "./digest-chains.ts";
import { bodyOf, nameOf, objectAt, put, remove } from "./digest-edits.ts";

const key = signingKey();
const made = { "backfill-generation-timestamp": "2026-11-01T05:20:00Z" };

/** The last log file of the third hour was late: its own digest does not name it, and a backfill digest of that hour does. */
function late(): { readonly chain: DigestChain; readonly log: string; readonly backfill: string; readonly body: DigestBody } {
  const chain = digestChain({ key, digests: 3, logs: 2, seed: "late" });
  const last = chain.digestKeys[2] ?? "";
  const full = bodyOf(chain, last);
  const files = Array.isArray(full["logFiles"]) ? full["logFiles"] : [];
  put(chain, signDigest({ ...full, logFiles: files.slice(0, 1) }, key).object);
  const backfill = last.replace(".json.gz", "_backfill.json.gz");
  const body = { ...full, ...noLink, digestS3Object: backfill, logFiles: files.slice(1) };
  put(chain, signDigest(body, key, made).object);
  return { chain, backfill, body, log: chain.logKeys[5] ?? "" };
}

async function found(chain: DigestChain): Promise<readonly string[]> {
  const order = orderOf(chain);
  const lines = await linesOf(order, readerOf(chain.objects, chain.publicKeys, order));
  expect(summaryOf(lines).verdict === "valid").toBe(troubles(lines).length === 0);
  return troubles(lines);
}

test("a late log file that a backfill digest names is valid, and so is the chain beside it", async () => {
  expect(await found(late().chain)).toEqual([]);
});

test("without its backfill digest a late log file is one that nobody names", async () => {
  const { chain, backfill, log } = late();
  remove(chain, backfill);
  expect(await found(chain)).toEqual([`log uncovered ${nameOf(log)}`]);
});

test("a late log file that was altered or deleted is named by its backfill digest", async () => {
  const { chain, log } = late();
  put(chain, { ...objectAt(chain, log), bytes: objectAt(chain, chain.logKeys[0]).bytes });
  expect(await found(chain)).toEqual([`log altered ${nameOf(log)}`]);
  remove(chain, log);
  expect(await found(chain)).toEqual([`log missing ${nameOf(log)}`]);
});

test("a backfill digest without the time of its making is malformed, and what it names is covered by nobody", async () => {
  const { chain, backfill, log } = late();
  const object = objectAt(chain, backfill);
  const { "backfill-generation-timestamp": _, ...rest } = object.metadata;
  put(chain, { ...object, metadata: rest });
  expect(await found(chain)).toEqual([`digest malformed ${nameOf(backfill)}`, `log uncovered ${nameOf(log)}`]);
});

test("a backfill digest that names another before it which is not there: the missing one is named", async () => {
  const { chain, backfill, body } = late();
  const earlier = backfill.replace("T030000Z", "T020000Z");
  const { link } = signDigest({ ...body, digestS3Object: earlier, logFiles: [] }, key, made);
  put(chain, signDigest({ ...body, ...link }, key, made).object);
  expect(await found(chain)).toEqual([`digest missing ${nameOf(earlier)}`]);
});
