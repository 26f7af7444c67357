import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { HoldfastError } from "../core/error.ts";
import { clearImmutable } from "./directory-flags.ts";
import { sidecarPath, syncDirectory } from "./directory-paths.ts";
import type { Sidecar } from "./directory-retention.ts";

/** Removes an object and the record beside it, durably: the object first, so that a crash leaves no object without its record. */
export async function disposeInDirectory(path: string, subject: string, sidecar: Sidecar, now: Date): Promise<void> {
  if (sidecar.legalHold) throw new HoldfastError("refused", `${subject} is under a legal hold and is not deleted`);
  if (!(Date.parse(sidecar.retainUntil) <= now.getTime()))
    throw new HoldfastError("refused", `${subject} is kept until ${sidecar.retainUntil} and is not deleted`);
  await clearImmutable(path);
  await rm(path);
  await syncDirectory(dirname(path));
  await rm(sidecarPath(path), { force: true });
  await syncDirectory(dirname(path));
}
