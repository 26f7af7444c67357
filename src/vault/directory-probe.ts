import { link, open, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { describeError, systemCode } from "../core/error.ts";
import type { Random } from "../core/ports.ts";
import type { ProbeAnswer } from "../core/vault.ts";
import { makeParents, syncDirectory } from "./directory-paths.ts";

/** Asks of a directory what a put will need, on files of its own. */
export async function probeDirectory(root: string, random: Random): Promise<readonly ProbeAnswer[]> {
  const name = `.holdfast-probe-${Buffer.from(random(8)).toString("hex")}`;
  const first = join(root, name);
  const second = join(root, `${name}-2`);
  const answers: ProbeAnswer[] = [];
  try {
    await makeParents(root, first);
    for (const path of [first, second]) {
      await using file = await open(path, "wx", 0o444);
      await file.writeFile(path);
      await file.sync();
    }
    await syncDirectory(root);
    answers.push({ probe: "write", ok: true, fatal: true, text: `${root} can be written and flushed` });
    answers.push(await probeLink(first, second));
    const { bavail, bsize } = await statfs(root);
    answers.push({ probe: "space", ok: bavail > 0, fatal: true, text: `${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free in ${root}` });
  } catch (error) {
    answers.push({ probe: "write", ok: false, fatal: true, text: `${root} cannot be used: ${describeError(error)}` });
  } finally {
    for (const path of [first, second]) await rm(path, { force: true }).catch(() => undefined);
  }
  answers.push({ probe: "lock", ok: false, fatal: false, text: "a directory's lock is removable: nothing stored here is sealed" });
  return answers;
}

async function probeLink(first: string, second: string): Promise<ProbeAnswer> {
  const probe = "never over anything";
  try {
    await link(first, second);
  } catch (error) {
    if (systemCode(error) === "EEXIST" && (await readFile(second, "utf8")) === second)
      return { probe, ok: true, fatal: true, text: "a name that is taken stays as it is" };
    return { probe, ok: false, fatal: true, text: `this filesystem has no hard links (${describeError(error)}), which a put needs so as never to overwrite` };
  }
  return { probe, ok: false, fatal: true, text: "this filesystem let a link replace an existing file: it is not fit for evidence" };
}
