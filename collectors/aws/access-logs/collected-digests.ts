import type { Place, StoredObject } from "../digests/order.ts";
import { openObject } from "../client/objects.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { wordsOf } from "../client/refused.ts";

/** Digests are small, an hour each: these many bytes of them are kept for the validation, the rest is read a second time. */
const mostKept = 32 * 2 ** 20;

/** Digest files as they were collected, for the validation at the end. */
export type CollectedDigests = {
  /** Watches a digest on its way into the archive. */
  keep(place: Place, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Its metadata, once it is there. */
  note(place: Place, metadata: Readonly<Record<string, string>>): void;
  get(place: Place): StoredObject | null;
};

export function collectedDigests(): CollectedDigests {
  const bodies = new Map<string, Uint8Array>();
  const metadata = new Map<string, Readonly<Record<string, string>>>();
  const id = ({ bucket, key }: Place): string => `${bucket}/${key}`;
  let kept = 0;
  return {
    async *keep(place, bytes) {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of bytes) {
        length += chunk.length;
        if (kept + length <= mostKept) chunks.push(chunk);
        yield chunk;
      }
      if (kept + length > mostKept) return;
      kept += length;
      bodies.set(id(place), Buffer.concat(chunks));
    },
    note: (place, found) => void metadata.set(id(place), found),
    get(place) {
      const [body, found] = [bodies.get(id(place)), metadata.get(id(place))];
      return body === undefined || found === undefined ? null : { kind: "found", metadata: found, body: once(body) };
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What was not collected is looked at where it lies: a digest may name any place. */
export async function stillStored({ aws }: LogReading, place: Place, signal: AbortSignal): Promise<StoredObject> {
  const answer = await openObject(aws.link, "source", null, { Bucket: place.bucket, Key: place.key }, signal);
  if (answer.kind === "answer") return { kind: "found", metadata: answer.value.head.Metadata ?? {}, body: answer.value.bytes };
  return answer.trouble === "missing" ? { kind: "missing" } : { kind: "denied", reason: wordsOf(answer) };
}
