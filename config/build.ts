import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Makes `dist/`, the package as published: emitted JavaScript, since Node strips no types under node_modules. */
const root = fileURLToPath(new URL("..", import.meta.url));
const dist = `${root}dist`;

rmSync(dist, { recursive: true, force: true });
execFileSync(`${root}node_modules/.bin/tsc`, ["-p", `${root}config/tsconfig.build.json`], { stdio: "inherit" });
const verifiers = ["src/verify/standalone/verify-export.mjs", "src/verify/standalone/verify_export.py"];
for (const file of ["src/cli/holdfast.mjs", "src/ledger/FORMAT.md", ...verifiers, "README.md", "LICENSE"]) cpSync(`${root}${file}`, `${dist}/${file}`);
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const { devDependencies, scripts, private: unpublished, ...published } = manifest;
writeFileSync(`${dist}/package.json`, `${JSON.stringify(published, null, 2)}\n`);
execFileSync("npm", ["pack", "--silent", "--pack-destination", dist, dist], { stdio: "inherit", cwd: dist });
