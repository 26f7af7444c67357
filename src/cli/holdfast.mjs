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
  // Threads make malloc arenas, and moving bytes makes short-lived garbage: without these two the peak RSS of an image is 20 to 50 MiB
  // higher, and that of the audit of a large ledger 15 (measured). Both are fixed when a process begins, so these commands begin theirs again.
  const asked = (words) => process.argv.slice(2).some((word) => words.includes(word));
  const flags = asked(["collect", "resume", "verify", "fetch"]) ? ["--max-semi-space-size=1"] : [];
  const wanting = process.env.MALLOC_ARENA_MAX !== "2" || flags.some((flag) => !process.execArgv.includes(flag));
  if ((flags.length > 0 || asked(["audit"])) && wanting && typeof process.execve === "function" && process.platform !== "win32")
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...flags, ...process.argv.slice(1)], { ...process.env, MALLOC_ARENA_MAX: "2" });
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  const { existsSync } = await import("node:fs");
  // A clone holds TypeScript; the published package holds what tsc emitted, since Node strips no types under node_modules.
  const source = new URL("./main.ts", import.meta.url);
  const { main } = await import((existsSync(source) ? source : new URL("./main.js", import.meta.url)).href);
  process.exitCode = await main(process.argv.slice(2), process.env);
}
