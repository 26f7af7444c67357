import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { launcher, temporary } from "./holdfast.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const run = promisify(execFile);

/** The EC2 runbook has a test of its own (aws-runbook.test.ts). */
const plain = readme.replace(/^## Runbook: a compromised EC2 instance$[\s\S]*?(?=^## )/m, "");

function blocks(language: string): readonly string[] {
  return [...plain.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => match[1] ?? "");
}

let dir: ReturnType<typeof temporary>;
let fake: S3Fake;
beforeAll(async () => {
  dir = temporary("readme");
  fake = await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }] });
  mkdirSync(join(dir.path, "app-logs"));
  const verifiers = join("src", "verify", "standalone"); // the README's commands are those of a clone
  cpSync(join(root, verifiers), join(dir.path, verifiers), { recursive: true });
  writeFileSync(join(dir.path, "app-logs", "app.log"), "2026-01-01T00:00:00Z login failed\n".repeat(1500));
});
afterAll(async () => {
  await fake.stop();
  dir[Symbol.dispose]();
});

async function shell(line: string, home: string): Promise<{ readonly code: number; readonly text: string }> {
  const command = line.replaceAll("npx holdfast", `"${process.execPath}" "${launcher}"`).replace(/^npm ci && /, "");
  const env = {
    ...process.env,
    HOLDFAST_HOME: home,
    AWS_ENDPOINT_URL: fake.url,
    AWS_ACCESS_KEY_ID: fake.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: fake.credentials.secretAccessKey,
  };
  try {
    const { stdout } = await run("bash", ["-c", command], { cwd: dir.path, env });
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, text: stderr };
  }
}

describe("every command of the README runs", () => {
  const lines = blocks("sh").flatMap((block) => block.trimEnd().split("\n"));
  const s3 = lines.indexOf("npx holdfast doctor host:local");

  test("the README has its two commands, and scripts for every npm run it names", () => {
    expect(lines.slice(0, 2)).toEqual([
      'npm ci && npx holdfast collect host:local --case DEMO-1 --reason "first look" --kind state,access-logs',
      "npm ci && npm test",
    ]);
    for (const [, script] of readme.matchAll(/npm run ([a-z:]+)/g)) expect(Object.keys(manifest.scripts)).toContain(script);
    expect(Object.keys(manifest.scripts)).toContain("test");
  });

  test("every dependency has its line of reason", () => {
    const table = readme.slice(readme.indexOf("## Dependencies"));
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies }))
      expect(table, name).toContain(name.startsWith("@types/") ? "@types/*" : name);
  });

  test("on a fresh home, in order", async () => {
    const home = join(dir.path, "home");
    for (const line of lines.slice(0, s3)) {
      if (line.includes("npm test") || line.startsWith("python3")) continue; // this is it; python3 has a test of its own
      const ran = await shell(line, home);
      // The first command may find files that even root is denied on this machine: partial is an honest answer.
      expect(line.includes("DEMO-1") ? [0, 4] : [0], `${line}\n${ran.text}`).toContain(ran.code);
    }
  });

  const python = spawnSync("python3", ["--version"]).status === 0;
  test.skipIf(!python)("the verifier in Python, on what the lines before it made (needs python3)", async () => {
    for (const line of lines.filter((l) => l.startsWith("python3"))) {
      const ran = await shell(line, join(dir.path, "home"));
      expect(ran.code, `${line}\n${ran.text}`).toBe(0);
    }
  });

  test("the S3 runbook, with the README's own configuration", async () => {
    const home = join(dir.path, "s3-home");
    mkdirSync(home);
    writeFileSync(join(home, "holdfast.yaml"), blocks("yaml")[0] ?? "");
    for (const line of lines.slice(s3)) {
      const ran = await shell(line, home);
      expect(ran.code, `${line}\n${ran.text}`).toBe(0);
    }
    expect(fake.violations).toEqual([]);
  });
});
