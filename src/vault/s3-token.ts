import { HoldfastError } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { troubleOf } from "./s3-trouble.ts";

/** What the journal keeps of an upload: our mark in the object's metadata, and the store's upload id (null for one PutObject). */
export type S3Token = { readonly mark: string; readonly upload: string | null };

export function newMark(random: Random): string {
  return Buffer.from(random(16)).toString("hex");
}

export function writeToken(token: S3Token): string {
  return JSON.stringify({ mark: token.mark, upload: token.upload });
}

export function readToken(key: string, text: string): S3Token {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "mark" in value && "upload" in value) {
      const { mark, upload } = value;
      if (typeof mark === "string" && (upload === null || typeof upload === "string")) return { mark, upload };
    }
  } catch {
    // Not JSON: told below, like JSON of another shape.
  }
  throw new HoldfastError("vault", `${printable(key)}: the journal's token ${printable(text)} is not one of an S3 vault; start the exhibit again`);
}

/** Drops the parts of an unfinished upload. One that is gone already is no error. */
export async function abortUpload(link: S3Link, fullKey: string, upload: string, signal: AbortSignal): Promise<void> {
  try {
    await link.ask({
      what: `remove the unfinished upload of ${fullKey}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.AbortMultipartUploadCommand({ ...link.common, Key: fullKey, UploadId: upload }), options),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (troubleOf(error) !== "no-upload") throw error;
  }
}
