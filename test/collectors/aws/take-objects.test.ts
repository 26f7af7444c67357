import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { Aws } from "../../../collectors/aws/aws.ts";
import type { ListedObject } from "../../../collectors/aws/logs/list-objects.ts";
import type { LogReading } from "../../../collectors/aws/logs/log-reading.ts";
import { firstPass } from "../../../collectors/aws/logs/pass.ts";
import { takeObjects } from "../../../collectors/aws/logs/take-objects.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { ManifestLine } from "../../../src/stream/archive-manifest.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { openLogRig } from "./log-rig.ts";

async function* each(...objects: readonly ListedObject[]): AsyncGenerator<ListedObject> {
  for (const object of objects) yield await Promise.resolve(object);
}

function readingOf(aws: Aws, lines: ManifestLine[]): LogReading {
  return { aws, lines: { add: (line) => void lines.push(line) }, pass: firstPass(), remarks: new Set(), tampered: [], signal: AbortSignal.timeout(10_000) };
}

const object = { bucket: "logs", key: "AWSLogs/a.log.gz", older: null, size: 5000, etag: '"e"', modified: null } as const;

/** A store whose object breaks off after 1,000 bytes, with what it answers to whoever wants to read on. */
async function breaking(aws: Aws, again: "replaced" | "silent"): Promise<{ readonly lines: readonly ManifestLine[]; readonly bytes: Buffer }> {
  const ask = aws.link.ask.bind(aws.link);
  let gets = 0;
  const link: Aws["link"] = {
    ...aws.link,
    ask: async (scope, region, name, input, signal, options) => {
      const answer = await ask(scope, region, name, input, signal, options);
      if (name !== "s3:GetObject") return answer;
      gets += 1;
      if (gets > 1 && again === "silent") throw new HoldfastError("unreachable", "nobody is there");
      if (gets > 1)
        return {
          kind: "refused",
          call: "s3:GetObject",
          trouble: "conflict",
          code: "PreconditionFailed",
          text: "it is another one",
          requestId: "R",
          date: null,
          wire: null,
        };
      if (answer.kind === "answer" && "Body" in answer.value && answer.value.Body instanceof Readable) {
        const whole = answer.value.Body;
        const cut = async function* (): AsyncGenerator<Buffer> {
          for await (const chunk of whole) {
            yield Buffer.from(chunk).subarray(0, 1000);
            throw new Error("broke");
          }
        };
        return { ...answer, value: { ...answer.value, Body: Readable.from(cut()) } };
      }
      return answer;
    },
  };
  const lines: ManifestLine[] = [];
  const chunks: Uint8Array[] = [];
  for await (const entry of takeObjects(readingOf({ ...aws, link }, lines), each(object))) for await (const chunk of entry.bytes ?? []) chunks.push(chunk);
  return { lines, bytes: Buffer.concat(chunks) };
}

test("an object that is replaced while it is read is padded to its promised length, and truncated by name", async () => {
  const rig = await openLogRig([{ name: "logs" }, { name: "flow-logs" }]);
  const content = Buffer.alloc(5000, "flow ");
  await plant(rig.client, "logs", [{ key: object.key, bytes: content, metadata: {} }]);
  const { lines, bytes } = await breaking(rig.aws, "replaced");
  expect(bytes.equals(Buffer.concat([content.subarray(0, 1000), Buffer.alloc(4000)]))).toBe(true);
  expect(lines).toMatchObject(
    [
      {
        outcome: "truncated",
        size: "1000",
        paddedTo: "5000",
        sha256: createHash("sha256").update(content.subarray(0, 1000)).digest("hex"),
        reason: /at byte 1000/,
      },
    ].map((line) => ({ ...line, reason: expect.stringMatching(line.reason) })),
  );
  await rig.close();
});

test("a store that is not there any more ends the collection: it can be resumed", async () => {
  const rig = await openLogRig([{ name: "logs" }, { name: "flow-logs" }]);
  await plant(rig.client, "logs", [{ key: object.key, bytes: Buffer.alloc(5000), metadata: {} }]);
  await expect(breaking(rig.aws, "silent")).rejects.toMatchObject({ code: "unreachable" });
  await rig.close();
});
