import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const child = fileURLToPath(new URL("power-child.ts", import.meta.url));

/** A disk image with what the machine starts: a shell, this node with its libraries, and the writer, stripped of its types. */
export function programsImage(dir: string): string {
  const tree = join(dir, "programs");
  for (const folder of ["bin", "dev", "proc", "sys", "sbin", "data", "tmp"]) mkdirSync(join(tree, folder), { recursive: true });
  copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
  copyFileSync(process.execPath, join(tree, "bin/node"));
  for (const library of librariesOf(process.execPath)) {
    mkdirSync(join(tree, dirname(library)), { recursive: true });
    copyFileSync(library, join(tree, library));
  }
  writeFileSync(join(tree, "sbin/init"), init);
  chmodSync(join(tree, "sbin/init"), 0o755);
  const packages = copyModules(join(tree, "app"));
  for (const name of packages) {
    const bulky = /better-sqlite3\/(deps|src)$/;
    cpSync(join(root, "node_modules", name), join(tree, "app/node_modules", name), { recursive: true, dereference: true, filter: (from) => !bulky.test(from) });
  }
  const image = join(dir, "programs.ext4");
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", tree, image, "400M"], { stdio: "ignore" });
  rmSync(tree, { recursive: true });
  return image;
}

/** The second serial line carries receipts and nothing else: the kernel speaks on the first. */
const init = `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys
for word in $($b cat /proc/cmdline); do case $word in sync=*) sync=\${word#sync=};; name=*) name=\${word#name=};; esac; done
$b stty -F /dev/ttyS1 raw -echo
$b mount -t ext4 /dev/vdb /data || echo '{"kind":"failed","text":"its disk cannot be mounted"}' >/dev/ttyS1
/bin/node /app/test/campaign/power/power-child.js /data/home $sync $name >/dev/ttyS1 2>/dev/ttyS0
$b sleep 1000
`;

function librariesOf(file: string): readonly string[] {
  return [...execFileSync("ldd", [file], { encoding: "utf8" }).matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map(([, path]) => path ?? "");
}

/** Copies the writer and all that it imports, and names the packages among it. */
function copyModules(to: string): ReadonlySet<string> {
  const packages = new Set<string>();
  const seen = new Set([child]);
  for (const file of seen) {
    const text = stripTypeScriptTypes(readFileSync(file, "utf8")).replaceAll(/((?:from|import)\s*\(?\s*")([^"]+)(")/g, (whole, before, name: string, after) => {
      if (!name.startsWith(".")) {
        if (!name.startsWith("node:") && !whole.includes("(")) packages.add(name);
        return whole;
      }
      seen.add(join(dirname(file), name));
      return `${before}${name.replace(/\.ts$/, ".js")}${after}`;
    });
    const copy = join(to, relative(root, file).replace(/\.ts$/, ".js"));
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, text);
  }
  writeFileSync(join(to, "package.json"), '{"type":"module"}');
  return packages;
}
