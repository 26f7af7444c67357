import { hash } from "node:crypto";
import { parseSha256 } from "../core/digest.ts";
import type { Compression, Frame, Part, RawDigest } from "../core/part.ts";
import { compressChoice } from "./compress-choice.ts";
import { ImageEncoder } from "./image-encoder.ts";
import type { Shape } from "./part-size.ts";
import { isZero } from "./zeros.ts";

export type InlineResult = { readonly parts: readonly Part[]; readonly digest: RawDigest };

/** The same bytes that the workers would give, made here: for sources that are over before a worker has started. */
export async function inlineParts(
  store: "image" | "as-is",
  raw: Uint8Array,
  compress: Compression,
  replay: readonly Frame[],
  shape: Shape,
): Promise<InlineResult> {
  const digest = { sha256: parseSha256(hash("sha256", raw, "hex")), bytes: raw.length };
  switch (store) {
    case "as-is":
      return { digest, parts: asIsParts(raw, digest, shape.partSize) };
    case "image":
      return { digest, parts: await imageParts(raw, compress, replay, shape) };
    default:
      return store satisfies never;
  }
}

function asIsParts(raw: Uint8Array, whole: RawDigest, partSize: number): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at === 0 || at < raw.length; at += partSize) {
    const bytes = raw.subarray(at, at + partSize);
    const sha256 = bytes.length === raw.length ? whole.sha256 : parseSha256(hash("sha256", bytes, "hex"));
    const last = at + partSize >= raw.length;
    parts.push({ number: parts.length + 1, bytes, sha256, last, rawFrom: at, rawTo: at + bytes.length, frames: [], release() {} });
  }
  return parts;
}

async function imageParts(raw: Uint8Array, compress: Compression, replay: readonly Frame[], shape: Shape): Promise<readonly Part[]> {
  const parts: Part[] = [];
  const slots: Uint8Array[] = [];
  // The consumer cannot be measured before it has a part, so that `auto` stores.
  const encoder = new ImageEncoder(
    shape.partSize,
    compressChoice(compress, () => 0),
    {
      acquire: async () => {
        const bytes = Buffer.allocUnsafeSlow(shape.partSize);
        slots.push(bytes);
        return { index: slots.length - 1, bytes };
      },
      emit: ({ slot, bytes, sha256, last, rawFrom, rawTo, frames }) => {
        const filled = slots[slot]?.subarray(0, bytes) ?? new Uint8Array(0);
        parts.push({ number: parts.length + 1, bytes: filled, sha256, last, rawFrom, rawTo, frames, release() {} });
      },
    },
  );
  const decided = new Map(replay.map((frame) => [frame.at, frame]));
  for (let at = 0; at < raw.length; at += shape.chunkBytes) {
    const chunk = Buffer.from(raw.buffer, raw.byteOffset + at, Math.min(shape.chunkBytes, raw.length - at));
    if (isZero(chunk)) await encoder.zeros(chunk.length, decided.get(at));
    else await encoder.data(chunk, decided.get(at));
  }
  await encoder.end();
  return parts;
}
