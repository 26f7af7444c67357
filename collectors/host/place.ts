import { realpath } from "node:fs/promises";
import type { Clock } from "../../src/core/ports.ts";

/** The machine as this collector sees it. Paths on it are absolute Buffers: names are bytes, and not always UTF-8. */
export type Place = {
  /** Where the machine's `/` is mounted: `/` for the machine itself. */
  readonly root: string;
  readonly clock: Clock;
  readonly platform: string;
  /** Processor architecture in Node's words: `x64`, `arm64`. */
  readonly arch: string;
  readonly uid: number;
  /** The pinned memory tool; null where none is configured. */
  readonly avml: { readonly path: string; readonly sha256: string } | null;
  /** Folders of Holdfast itself, as real paths: its signing keys and what it is just writing are never evidence. */
  readonly own?: readonly string[];
};

/** Where a path of the machine is for us. */
export function onPlace(place: Place, path: Uint8Array | string): Buffer {
  const bytes = Buffer.from(path);
  return place.root === "/" ? bytes : Buffer.concat([Buffer.from(place.root.replace(/\/+$/, "")), bytes]);
}

export function joinPath(directory: Uint8Array | string, name: Uint8Array | string): Buffer {
  const head = Buffer.from(directory);
  return Buffer.concat([head, Buffer.from(head.at(-1) === 0x2f ? "" : "/"), Buffer.from(name)]);
}

export function parentOf(path: Uint8Array): Buffer {
  const bytes = Buffer.from(path);
  const slash = bytes.lastIndexOf(0x2f);
  return slash <= 0 ? Buffer.from("/") : bytes.subarray(0, slash);
}

/**
 * With a foreign root, a link in the suspect's tree (`/var/log` → `/etc`) would lead to our own files, which would then be
 * sealed as the suspect's. True where the directory of `path` really lies under the root.
 */
export async function staysInside(place: Place, path: Uint8Array): Promise<boolean> {
  if (place.root === "/") return true;
  const [root, directory] = await Promise.all([realpath(place.root, { encoding: "buffer" }), realpath(onPlace(place, parentOf(path)), { encoding: "buffer" })]);
  return directory.equals(root) || directory.subarray(0, root.length + 1).equals(Buffer.concat([root, Buffer.from("/")]));
}

/** Whether `path` is one of Holdfast's own folders, or lies in one. */
export function isOwn(place: Place, path: Uint8Array | string): boolean {
  const text = Buffer.from(path).toString("latin1");
  return (place.own ?? []).some((folder) => {
    const own = Buffer.from(folder).toString("latin1");
    return text === own || text.startsWith(`${own}/`);
  });
}
