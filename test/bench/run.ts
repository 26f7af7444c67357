import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** `npm run bench NAME [-- OPTIONS]`: runs one bench, which prints its table and writes bench-results/NAME.json. */
const names = readdirSync(fileURLToPath(new URL(".", import.meta.url)))
  .filter((file) =>
    ["image.ts", "sparse.ts", "memory.ts", "ledger.ts", "ledger-large.ts", "ledger-mirror.ts", "start.ts", "ebs.ts", "logs.ts", "first-command.ts"].includes(
      file,
    ),
  )
  .map((file) => file.replace(/\.ts$/, ""));
const name = process.argv[2];
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench NAME, with NAME one of ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  process.argv.splice(2, 1);
  await import(`./${name}.ts`);
}
