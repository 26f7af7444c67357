import { link, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import { printable } from "../core/printable.ts";
import { sidecarPath, syncDirectory } from "./directory-paths.ts";

/** What a directory can only write down: it binds our own commands and nobody else. */
export type Sidecar = { readonly retainUntil: string; readonly legalHold: boolean };

/** Null where there is none. Throws `vault` where it is there and makes no sense. */
export async function readSidecar(object: string): Promise<Sidecar | null> {
  const path = sidecarPath(object);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  return parseSidecar(text, path);
}

function parseSidecar(text: string, path: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HoldfastError("vault", `${printable(path)} is not JSON: the retention of this object is not known`, error);
  }
  if (typeof value === "object" && value !== null && "retainUntil" in value && "legalHold" in value) {
    const { retainUntil, legalHold } = value;
    if (typeof retainUntil === "string" && !Number.isNaN(Date.parse(retainUntil)) && typeof legalHold === "boolean") return { retainUntil, legalHold };
  }
  throw new HoldfastError("vault", `${printable(path)} is not a retention record: the retention of this object is not known`);
}

/** Durable when it resolves. With `ifAbsent`, a record that is there stays as it is. */
export async function writeSidecar(object: string, sidecar: Sidecar, random: Random, ifAbsent: boolean): Promise<void> {
  const path = sidecarPath(object);
  const temporary = join(dirname(path), `.holdfast-${Buffer.from(random(16)).toString("hex")}.json`);
  try {
    {
      await using handle = await open(temporary, "wx", 0o644);
      await handle.writeFile(`${JSON.stringify({ schema: "holdfast.retention/1", ...sidecar })}\n`);
      await handle.sync();
    }
    if (ifAbsent) await link(temporary, path).catch(ignoreExisting);
    else await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncDirectory(dirname(path));
}

function ignoreExisting(error: unknown): void {
  if (systemCode(error) !== "EEXIST") throw error;
}
