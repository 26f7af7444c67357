import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf, orderOf, readerOf, summaryOf } from "./chain-reading.ts";
import { type DigestChain, digestChain, signingKey } from "./digest-chains.ts";
import { objectAt, put, remove } from "./digest-edits.ts";

const key = signingKey();
const seed = Number(process.env["FC_SEED"] ?? Date.now() % 2 ** 31);
console.log(`digest edits: FC_SEED=${seed}`);

const intact = (digests: number, logs: number): DigestChain => digestChain({ key, digests, logs, seed: String(seed) });

async function verdictOf(chain: DigestChain): Promise<string> {
  const order = orderOf(chain);
  return summaryOf(await linesOf(order, readerOf(chain.objects, chain.publicKeys, order))).verdict;
}

const keysOf = (chain: DigestChain): readonly string[] => [...chain.digestKeys, ...chain.logKeys];

const shape = fc.record({ digests: fc.integer({ min: 1, max: 4 }), logs: fc.integer({ min: 0, max: 2 }), pick: fc.nat() });

test("untouched chains of every size are valid", async () => {
  await fc.assert(
    fc.asyncProperty(shape, async ({ digests, logs }) => {
      expect(await verdictOf(intact(digests, logs))).toBe("valid");
    }),
    { seed, numRuns: 12 },
  );
});

/** What another reader makes of the bytes: the content, or null where they are no gzip file. */
function contentOf(bytes: Buffer): string | null {
  try {
    return gunzipSync(bytes).toString("hex");
  } catch {
    return null;
  }
}

type Edit = (bytes: Buffer, at: number, value: number) => Buffer;
const edits: Readonly<Record<string, Edit>> = {
  "one byte changed": (bytes, at, value) => {
    const out = Buffer.from(bytes);
    out[at % out.length] = ((out[at % out.length] ?? 0) + 1 + (value % 255)) % 256;
    return out;
  },
  "one byte left out": (bytes, at) => Buffer.concat([bytes.subarray(0, at % bytes.length), bytes.subarray((at % bytes.length) + 1)]),
  "one byte put in": (bytes, at, value) => {
    const place = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, place), Buffer.of(value), bytes.subarray(place)]);
  },
  "cut short": (bytes, at) => bytes.subarray(0, at % bytes.length),
  "bytes behind": (bytes, at, value) => Buffer.concat([bytes, Buffer.alloc((at % 20) + 1, value)]),
};

test.for(Object.keys(edits))("any object with %s: never valid, unless its content is what it was", async (name) => {
  const edit = edits[name];
  if (edit === undefined) throw new Error(name);
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(), fc.integer({ min: 0, max: 255 }), async ({ digests, logs, pick }, at, value) => {
      const chain = intact(digests, logs);
      const keys = keysOf(chain);
      const object = objectAt(chain, keys[pick % keys.length]);
      const bytes = edit(object.bytes, at, value);
      put(chain, { ...object, bytes });
      // The hash is over the content: another time stamp in the gzip header, say, alters nothing that was signed.
      const same = bytes.length === object.bytes.length && contentOf(bytes) === contentOf(object.bytes);
      if (same) return;
      expect(await verdictOf(chain)).not.toBe("valid");
    }),
    { seed, numRuns: 150 },
  );
});

test("any object deleted, renamed, or exchanged with another: never valid", async () => {
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(), fc.constantFrom("delete", "rename", "copy over", "swap"), async ({ digests, logs, pick }, second, how) => {
      const chain = intact(digests, logs);
      const keys = keysOf(chain);
      const one = objectAt(chain, keys[pick % keys.length]);
      const two = objectAt(chain, keys[second % keys.length]);
      if (how === "delete") remove(chain, one.key);
      else if (how === "rename") put(chain, { ...remove(chain, one.key), key: `${one.key.slice(0, -8)}x.json.gz` });
      else if (one.key === two.key) return;
      else {
        put(chain, { ...two, key: one.key });
        if (how === "swap") put(chain, { ...one, key: two.key });
      }
      expect(await verdictOf(chain)).not.toBe("valid");
    }),
    { seed, numRuns: 150 },
  );
});

test("any change of a digest's signature metadata: never valid", async () => {
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.constantFrom("signature", "signature-algorithm"),
      fc.nat(),
      fc.string({ maxLength: 3 }),
      async ({ digests, logs, pick }, field, at, text) => {
        const chain = intact(digests, logs);
        const object = objectAt(chain, chain.digestKeys[pick % digests]);
        const old = object.metadata[field] ?? "";
        const place = at % (old.length + 1);
        const changed = old.slice(0, place) + text + old.slice(place + text.length);
        if (changed === old) return;
        put(chain, { ...object, metadata: { ...object.metadata, [field]: changed } });
        expect(await verdictOf(chain)).not.toBe("valid");
      },
    ),
    { seed, numRuns: 150 },
  );
});
