import { createHash, createPublicKey, verify } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { documents } from "../../src/core/schema/documents.ts";
import { startFaultProxy } from "../clouds/fault-proxy.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { type CollectJson, type ExhibitJson, holdfast, holdfastJson, temporary } from "./holdfast.ts";
import { s3Home } from "./s3-home.ts";

type Record = {
  readonly origin: string;
  readonly vkeys: readonly string[];
  readonly exhibit: ExhibitJson;
  readonly acts: readonly { readonly seq: string; readonly leaf: string; readonly path: readonly string[] }[];
  readonly checkpoint: string;
};
let fake: S3Fake;
beforeAll(async () => {
  fake = await startS3Fake({ buckets: ["a", "b"].map((name) => ({ name, objectLock: true })) });
});
afterAll(async () => {
  expect(fake.violations).toEqual([]);
  await fake.stop();
});

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** The check of RFC 9162 §2.1.3.2, which walks upwards, and of the note's Ed25519 line; written from FORMAT.md and the RFC alone. */
function faultOf({ vkeys, acts, checkpoint }: Record): string | null {
  // The last field is base64 and may hold a + itself (C2SP signed-note, vkey encoding).
  const [, name, id, field] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkeys[0] ?? "") ?? [];
  const text = checkpoint.slice(0, checkpoint.lastIndexOf("\n\n") + 1);
  const line = checkpoint.split("\n").find(
    (l) =>
      l.startsWith(`— ${name} `) &&
      Buffer.from(l.split(" ")[2] ?? "", "base64")
        .subarray(0, 4)
        .toString("hex") === id,
  );
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(field ?? "", "base64").subarray(1)]),
    format: "der",
    type: "spki",
  });
  if (line === undefined || !verify(null, Buffer.from(text), key, Buffer.from(line.split(" ")[2] ?? "", "base64").subarray(4))) return "signature";
  const [, size, root] = text.split("\n");
  for (const { seq, leaf, path } of acts) {
    let fn = Number(seq);
    let sn = Number(size) - 1;
    if (fn > sn) return `act ${seq} is beyond the checkpoint`;
    let hash = sha256(Buffer.of(0), Buffer.from(leaf, "base64"));
    for (const sibling of path.map((p) => Buffer.from(p, "base64"))) {
      if (sn === 0) return `the path of act ${seq} is too long`;
      if (fn % 2 === 1 || fn === sn) {
        hash = sha256(Buffer.of(1), sibling, hash);
        while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
      } else hash = sha256(Buffer.of(1), hash, sibling);
      [fn, sn] = [fn >> 1, sn >> 1];
    }
    if (sn !== 0 || hash.toString("base64") !== root) return `act ${seq} does not lead to the root`;
  }
  return null;
}

const recordsIn = (bucket: string): { readonly record: Record; readonly key: string; readonly until: number }[] =>
  [...fake.bucket(bucket).keys].flatMap(([key, [newest]]) =>
    key.endsWith("/exhibit.json")
      ? [{ key, record: JSON.parse(Buffer.concat(newest?.data ?? []).toString()) as Record, until: newest?.retention?.until.getTime() ?? 0 }]
      : [],
  );

function collect(
  dir: string,
  options: { readonly home: string; readonly env: Readonly<{ [name: string]: string }> },
): Promise<{ json: CollectJson; stderr: string; code: number | null }> {
  return holdfastJson<CollectJson>(["collect", "host:local", "--case", "X-1", "--reason", "r", "--kind", "access-logs", "--log", join(dir, "logs")], options);
}
function logsIn(dir: string): void {
  mkdirSync(join(dir, "logs"));
  writeFileSync(join(dir, "logs", "app.log"), "line\n".repeat(500));
}

test("beside each object lies its record, locked as long as it, which a stranger checks with the key alone; a changed one fails", async () => {
  using dir = temporary("record");
  logsIn(dir.path);
  const options = s3Home(dir.path, fake.url, fake.credentials, "a");
  const { json } = await collect(dir.path, options);
  const [exhibit] = json.collections[0]?.exhibits ?? [];
  const [found, ...more] = recordsIn("a");
  if (found === undefined || exhibit === undefined) throw new Error("no record, or no exhibit");
  expect(more).toEqual([]);
  expect(found.key.replace("exhibit.json", "access-logs.tar")).toBe((exhibit.stored?.uri ?? "").replace("s3://a/", ""));
  expect(found.until).toBe(Date.parse(exhibit.stored?.retainUntil ?? ""));
  const listed = await holdfastJson<{ exhibits: ExhibitJson[] }>(["exhibits"], options);
  expect(found.record.exhibit).toEqual(listed.json.exhibits[0]);
  const ajv = new Ajv2020.Ajv2020({ strict: false });
  addFormats.default(ajv);
  expect(ajv.validate(documents["exhibit"] ?? {}, found.record), ajv.errorsText()).toBe(true);

  const { record } = found;
  expect(faultOf(record)).toBeNull();
  const [first, second] = record.acts;
  if (first === undefined || second === undefined) throw new Error("an exhibit has its start and its outcome");
  const changed = Buffer.from(second.leaf, "base64");
  changed[40] = (changed[40] ?? 0) ^ 1;
  expect(faultOf({ ...record, acts: [first, { ...second, leaf: changed.toString("base64") }] })).toContain("does not lead to the root");
  expect(faultOf({ ...record, acts: [{ ...first, seq: second.seq }, second] })).not.toBeNull();
  expect(faultOf({ ...record, checkpoint: record.checkpoint.replace(/\n(\d+)\n/, "\n99\n") })).toBe("signature");
});

test("a store that takes no record costs the collection nothing, is said, and is caught up with by the next one", async () => {
  using dir = temporary("record");
  logsIn(dir.path);
  const proxy = await startFaultProxy(fake.url, []);
  try {
    const options = s3Home(dir.path, proxy.url, fake.credentials, "b");
    proxy.add({ on: "PutObject", from: 2, times: 99, does: { kind: "answer", status: 403, code: "AccessDenied" } });
    const down = await collect(dir.path, options);
    expect([down.code, down.json.outcome]).toEqual([0, "collected"]);
    expect(down.stderr).toMatch(/warning {2}the records beside the exhibits of X-1 in vault main are not all written/);
    proxy.clear();
    expect((await collect(dir.path, options)).stderr).not.toContain("warning");
    expect(recordsIn("b").map(({ record }) => [record.exhibit.id, faultOf(record)])).toEqual([
      ["X-1/001", null],
      ["X-1/002", null],
    ]);
    expect((await holdfast(["verify"], options)).code).toBe(0);
  } finally {
    await proxy.stop();
  }
});
