import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tool } from "../core/act.ts";
import { parseSha256 } from "../core/digest.ts";

/**
 * Which program acted: SHA-256 over one line `HEX  PATH` for each file of the release (src, collectors, package.json, the
 * lockfile where there is one), sorted by path, and a last line with the Node version (FORMAT.md, tool).
 */
export function toolIdentity(root: string, nodeVersion: string): Tool {
  const files = [...filesUnder(root, "src"), ...filesUnder(root, "collectors"), "package.json", "package-lock.json"].sort();
  const lines = files.flatMap((path) => {
    const bytes = readIfThere(join(root, path));
    return bytes === null ? [] : [`${createHash("sha256").update(bytes).digest("hex")}  ${path}\n`];
  });
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string }; // our own file
  const sha256 = createHash("sha256")
    .update(`${lines.join("")}node ${nodeVersion}\n`)
    .digest("hex");
  return { name: "holdfast", version: manifest.version, sha256: parseSha256(sha256) };
}

function filesUnder(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(root, path) : [path];
  });
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null; // the published package has no lockfile
  }
}
