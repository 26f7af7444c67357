#!/usr/bin/env node
// Written in the oldest syntax that runs modules, so that an old Node gets a sentence instead of a syntax error.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    "holdfast needs Node 24 or newer (this is " +
      process.version +
      "). In a clone: npm ci, then npx holdfast. " +
      "Elsewhere: install Node 24, or run it through npx, which brings its own.\n",
  );
  process.exitCode = 3;
} else {
  // Moving bytes makes short-lived garbage, and threads make malloc arenas: without these two the peak RSS of an image is 20 to 50
  // MiB higher (measured). Both are fixed when a process begins, so these commands begin theirs again.
  const young = "--max-semi-space-size=1";
  const movesBytes = process.argv.slice(2).some((word) => ["collect", "resume", "verify", "fetch"].includes(word));
  if (movesBytes && typeof process.execve === "function" && process.platform !== "win32" && !process.execArgv.includes(young))
    process.execve(process.execPath, [process.execPath, ...process.execArgv, young, ...process.argv.slice(1)], { ...process.env, MALLOC_ARENA_MAX: "2" });
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  const { existsSync } = await import("node:fs");
  // A clone holds TypeScript; the published package holds what tsc emitted, since Node strips no types under node_modules.
  const source = new URL("./main.ts", import.meta.url);
  const { main } = await import((existsSync(source) ? source : new URL("./main.js", import.meta.url)).href);
  process.exitCode = await main(process.argv.slice(2), process.env);
}
