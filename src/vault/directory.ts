import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { HoldfastError } from "../core/error.ts";
import type { Clock, Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import type { StoredRef, Vault } from "../core/vault.ts";
import { attestInDirectory } from "./directory-attest.ts";
import { listDirectory } from "./directory-list.ts";
import { disposeInDirectory } from "./directory-dispose.ts";
import { directoryError, objectPath, objectUri, temporaryPath } from "./directory-paths.ts";
import { probeDirectory } from "./directory-probe.ts";
import { putInDirectory } from "./directory-put.ts";
import { readSidecar, writeSidecar, type Sidecar } from "./directory-retention.ts";

export type DirectoryVaultOptions = {
  readonly name: string;
  /** Absolute, or relative to the working directory. Made when it is first needed. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether to set the immutable flag (chattr +i) on finished objects where rights and filesystem allow it. Default: yes. */
  readonly immutable?: boolean;
};

const readChunk = 1 << 20;

/** A vault in a directory: what it stores is protected from accidents and never counts as sealed. */
export function openDirectoryVault(options: DirectoryVaultOptions): Vault {
  const { name, random, clock, immutable = true } = options;
  const root = resolve(options.root);

  async function sidecarOf(ref: StoredRef): Promise<Sidecar> {
    const sidecar = await readSidecar(objectPath(root, ref.key));
    if (sidecar === null) throw new HoldfastError("vault", `${printable(ref.key)}: the record of its retention is missing in vault ${name}`);
    return sidecar;
  }

  async function told<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw directoryError(name, resolve(root, key), error, signal);
    }
  }

  return {
    name,
    store: "directory",
    mode: "directory",
    locate: (key) => objectUri(root, key),
    put: (request, signal) => told(request.key, signal, () => putInDirectory({ name, root, random, immutable }, request, signal)),
    attest: (stored, encoding, signal) => attestInDirectory(root, clock(), stored, encoding, signal),
    async *read(ref, offset, length, signal) {
      const path = objectPath(root, ref.key);
      try {
        await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        for (let done = 0; done < length; ) {
          signal.throwIfAborted();
          const chunk = Buffer.allocUnsafe(Math.min(readChunk, length - done));
          const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + done);
          if (bytesRead === 0)
            throw new HoldfastError("vault", `${printable(ref.key)}: the file ends at byte ${offset + done}, ${length - done} bytes short of what was asked`);
          done += bytesRead;
          yield chunk.subarray(0, bytesRead);
        }
      } catch (error) {
        throw directoryError(name, path, error, signal);
      }
    },
    async *list(prefix, after, signal) {
      try {
        yield* listDirectory(root, prefix, after, signal);
      } catch (error) {
        throw directoryError(name, root, error, signal);
      }
    },
    extend: (ref, retainUntil, signal) =>
      told(ref.key, signal, async () => {
        const sidecar = await sidecarOf(ref);
        if (!(Date.parse(retainUntil) >= Date.parse(sidecar.retainUntil)))
          throw new HoldfastError(
            "refused",
            `${printable(ref.key)} is kept until ${sidecar.retainUntil}; ${retainUntil} is not later: retention is never shortened`,
          );
        await writeSidecar(objectPath(root, ref.key), { ...sidecar, retainUntil: new Date(retainUntil).toISOString().replace(".000Z", "Z") }, random, false);
        return [];
      }),
    shorten: async (ref) => {
      throw new HoldfastError("refused", `${printable(ref.key)}: vault ${name} is a directory, and only a governance lock is shortened`);
    },
    hold: (ref, on, signal) =>
      told(ref.key, signal, async () => {
        await writeSidecar(objectPath(root, ref.key), { ...(await sidecarOf(ref)), legalHold: on }, random, false);
        return [];
      }),
    dispose: (ref, signal) =>
      told(ref.key, signal, async () => {
        await disposeInDirectory(objectPath(root, ref.key), printable(ref.key), await sidecarOf(ref), clock());
        return {
          kind: "deleted",
          text: `the file ${objectPath(root, ref.key)} was removed; what a disk keeps of removed files is not overwritten`,
          requestIds: [],
        };
      }),
    ownedBy: async () => "no",
    probe: () => probeDirectory(root, random),
    land: async () => null,
    abandon: (key, token, signal) => told(key, signal, () => rm(temporaryPath(objectPath(root, key), token), { force: true })),
    close: () => undefined,
  };
}
