import { base64OfSha256 } from "../core/digest.ts";
import { HoldfastError } from "../core/error.ts";
import type { Part } from "../core/part.ts";
import { printable } from "../core/printable.ts";
import type { PartNote } from "../core/vault.ts";
import { patienceForBody } from "./s3-link.ts";
import type { Upload } from "./s3-multipart.ts";
import type { Putting } from "./s3-put.ts";

/** Parts on the wire at once: enough to fill the line while one waits for its answer, few enough to keep the ring small. */
const inFlightAtMost = 4;

/**
 * Sends what the store does not hold yet, several parts at once, and journals in the order of the object, so that the journal
 * is always a prefix. Every part is given back exactly once, whatever happens.
 */
export async function sendParts(putting: Putting, upload: Upload, first: Part): Promise<readonly PartNote[]> {
  const { taker, request } = putting;
  const journaled = new Map(request.journal.load()?.parts.map((note) => [note.number, note.tag]));
  const stop = new AbortController();
  const signal = AbortSignal.any([putting.signal, stop.signal]);
  const alarm = newAlarm();
  const abort = (): void => alarm.ring(putting.signal.reason);
  putting.signal.addEventListener("abort", abort, { once: true }); // also while the source, not the store, is waited for
  const inFlight = new Set<Promise<void>>();
  let freed: (() => void) | null = null;
  const notes: PartNote[] = [];
  const waiting = new Map<number, PartNote>();
  let durable = 0;

  function acknowledge(note: PartNote): void {
    waiting.set(note.number, note);
    for (let next = waiting.get(notes.length + 1); next !== undefined; next = waiting.get(notes.length + 1)) {
      waiting.delete(next.number);
      if (journaled.get(next.number) !== next.tag) request.journal.part(next);
      notes.push(next);
      durable += next.bytes;
      request.progress?.(durable);
    }
  }

  async function send(part: Part): Promise<void> {
    try {
      const { number, sha256, rawFrom, rawTo, frames } = part;
      const bytes = part.bytes.length;
      const held = upload.held.get(number);
      const tag =
        held !== undefined && held.bytes === bytes && held.sha256 === base64OfSha256(sha256) ? held.tag : await uploadPart(putting, upload, part, signal);
      acknowledge({ number, bytes, sha256, tag, rawFrom, rawTo, frames });
    } finally {
      part.release();
    }
  }

  async function fewerThan(most: number): Promise<void> {
    while (inFlight.size >= most) await alarm.unless(new Promise<void>((resolve) => (freed = resolve)));
    await alarm.unless(Promise.resolve());
  }

  let pending: Promise<Part | null> | null = null;
  try {
    for (let part: Part | null = first; part !== null; ) {
      const sending: Promise<void> = send(part)
        .catch(alarm.ring)
        .finally(() => {
          inFlight.delete(sending);
          freed?.();
        });
      inFlight.add(sending);
      await fewerThan(inFlightAtMost);
      pending = taker.next();
      part = await alarm.unless(pending);
      pending = null;
    }
    await fewerThan(1);
  } catch (error) {
    taker.stop();
    void pending?.then((part) => part?.release()).catch(() => undefined); // it may come when nobody waits for it any more
    stop.abort();
    await Promise.allSettled(inFlight);
    putting.signal.throwIfAborted();
    throw error;
  } finally {
    putting.signal.removeEventListener("abort", abort);
  }
  if (waiting.size > 0) throw new HoldfastError("unexpected", `${printable(request.key)}: ${waiting.size} parts were acknowledged out of order`);
  return notes;
}

/** The first failure ends the wait that is going on. Not Promise.race: a promise that lives as long as the upload would keep every part it was raced with. */
function newAlarm(): { readonly ring: (error: unknown) => void; readonly unless: <T>(wait: Promise<T>) => Promise<T> } {
  let rung: { readonly error: unknown } | null = null;
  let tell: ((error: unknown) => void) | null = null;
  return {
    ring(error) {
      rung ??= { error };
      tell?.(rung.error);
    },
    unless: (wait) =>
      new Promise((resolve, reject) => {
        wait.then(resolve, reject);
        if (rung !== null) reject(rung.error);
        else tell = reject;
      }),
  };
}

async function uploadPart({ place, fullKey }: Putting, upload: Upload, part: Part, signal: AbortSignal): Promise<string> {
  const { link } = place;
  const { bytes } = part;
  const answer = await link.ask({
    what: `upload part ${part.number} of ${fullKey}`,
    signal,
    patience: patienceForBody(bytes.length),
    send: (client, sdk, options) =>
      client.send(
        new sdk.UploadPartCommand({
          ...link.common,
          Key: fullKey,
          UploadId: upload.id,
          PartNumber: part.number,
          Body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), // a view, not a copy
          ContentLength: bytes.length,
          ChecksumAlgorithm: "SHA256",
          ChecksumSHA256: base64OfSha256(part.sha256),
        }),
        options,
      ),
  });
  if (answer.ETag === undefined) throw new HoldfastError("vault", `${printable(fullKey)}: the store acknowledged part ${part.number} without an ETag`);
  return answer.ETag;
}
