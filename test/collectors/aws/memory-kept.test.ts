import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/core/act.ts";
import { newKept, type MemoryKept, progressOf } from "../../../collectors/aws/memory/kept.ts";
import { parseKept } from "../../../collectors/aws/memory/parse-kept.ts";

const digest = "ab".repeat(32);
const token = "0123456789abcdef01234567";
const time = "2026-11-24T10:00:00.000Z";
const full: MemoryKept = {
  ...newKept(token, "linux", digest, true),
  asked: "preflight",
  ready: {
    directory: "/dev/shm/holdfast-memory-x",
    http: "curl",
    memory: 1024,
    ram: ["1000-9ffff"],
    ranges: 1,
    publicKey: null,
    free: 0,
    mounted: false,
    system: "kernel 6",
  },
  began: time,
  command: "c-1",
  batch: 3,
  issued: 40,
  lapse: { from: time, until: time },
  end: { problem: null, claims: { ended: "dumped", parts: 2, bytes: 9, sha256: digest, tool: null, left: false, said: "" }, at: time, again: false },
};

/** As the journal gives it back. */
function journalled(kept: MemoryKept): Json {
  let row: Json = null;
  progressOf(kept, (value) => {
    row = JSON.parse(JSON.stringify(value));
  }).set({});
  return row;
}

test("what the memory step leaves in the journal reads back as it was, at its begin and at its end", () => {
  for (const kept of [newKept(token, "windows", digest, false), full]) expect(parseKept(journalled(kept))).toEqual(kept);
  expect(parseKept(null)).toBeNull();
});

describe("a row that is not as it was written is refused, by the name of its field", () => {
  const row = JSON.parse(JSON.stringify(full));
  test.for<[string, unknown]>([
    ["schema", { ...row, schema: "holdfast.memory-step/2" }],
    ["token", { ...row, token: "x; rm -rf /" }],
    ["tool", { ...row, tool: "none" }],
    ["replaces", { ...row, replaces: "yes" }],
    ["began", { ...row, began: "soon" }],
    ["issued", { ...row, issued: 1.5 }],
    ["batch", { ...row, batch: -2 }],
    ["lapse.until", { ...row, lapse: { from: time } }],
    ["ready.ram", { ...row, ready: { ...row.ready, ram: [1] } }],
    ["end.claims.ended", { ...row, end: { ...row.end, claims: { ...row.end.claims, ended: "constructor" } } }],
    ["end.more", { ...row, end: { ...row.end, more: 1 } }],
    ["command", { ...row, command: undefined }],
  ])("%s", ([field, value]) => {
    expect(() => parseKept(value as Json)).toThrow(`the memory step's own memory.${field} should be`);
  });
});
