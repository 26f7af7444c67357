import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { s3Permissions } from "../../src/vault/s3-permissions.ts";

const folder = new URL("../../src/vault/", import.meta.url);

test("every command that the S3 vault can send has its rights in the table, and the table holds no other", () => {
  const sources = readdirSync(fileURLToPath(folder)).filter((name) => name.startsWith("s3"));
  const sent = new Set(sources.flatMap((name) => [...readFileSync(new URL(name, folder), "utf8").matchAll(/\b([A-Z]\w+)Command\(/g)].map((match) => match[1])));
  expect([...sent].toSorted()).toEqual(Object.keys(s3Permissions).toSorted());
});

test("the writer may delete nothing but a sentinel, bypass nothing, and change no bucket", () => {
  for (const { permission, on } of Object.values(s3Permissions).flat()) {
    if (/Delete/.test(permission)) expect(on).toBe("sentinel");
    expect(permission).not.toMatch(/Bypass|PutBucket|s3:\*|DeleteBucket/);
  }
});
