import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openDirectoryVault } from "../../src/vault/directory.ts";
import type { VaultBench, VaultTraits } from "../suite/vault-bench.ts";
import { vaultSuite } from "../suite/vault-suite.ts";

const traits: VaultTraits = { partSize: 4096, mode: "directory", lock: "removable", seals: false, versions: false, oneWinner: true, failsProbes: ["lock"] };

async function openBench(): Promise<VaultBench> {
  const root = await mkdtemp(join(tmpdir(), "holdfast-vault-"));
  const filesOf = async (key: string): Promise<string[]> => readdir(dirname(join(root, key))).catch(() => []);
  return {
    vault: openDirectoryVault({ name: "here", root, clock: () => new Date(), random: (n) => randomBytes(n), immutable: true }),
    raw: (key) => readFile(join(root, key)).catch(() => null),
    count: async (key) => (await filesOf(key)).filter((name) => key.endsWith(`/${name}`)).length,
    unfinished: async (key) => (await filesOf(key)).filter((name) => name.endsWith(".part")).length,
    async spoilPart(key, token, number) {
      await using file = await open(join(dirname(join(root, key)), token), "r+");
      await file.write(Buffer.from("spoiled"), 0, 7, (number - 1) * traits.partSize);
    },
    loseUpload: (key, token) => rm(join(dirname(join(root, key)), token)),
    async close() {
      spawnSync("chattr", ["-R", "-f", "-i", root], { stdio: "ignore" });
      await rm(root, { recursive: true });
    },
  };
}

vaultSuite("directory", openBench, traits);
