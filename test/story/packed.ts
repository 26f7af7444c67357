import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Builds, packs and installs the package into a project of its own; the story tests then run what npm put there. */
export function setup(): () => void {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(process.execPath, [join(root, "config/build.ts")], { stdio: ["ignore", "ignore", "inherit"] });
  const tarball = readdirSync(join(root, "dist")).find((file) => file.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made no tarball in dist/");
  const project = mkdtempSync(join(tmpdir(), "holdfast-packed-"));
  chmodSync(project, 0o755); // the stories also run as an ordinary user
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true }));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", join(root, "dist", tarball)], {
    cwd: project,
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.env["HOLDFAST_UNDER_TEST"] = join(project, "node_modules/holdfast/src/cli/holdfast.mjs");
  return () => rmSync(project, { recursive: true, force: true });
}
