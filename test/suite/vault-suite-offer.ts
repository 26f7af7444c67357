import { createHash } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { deleteVersion, isRefused, land, type LandingBench, landingRequestOf, type LandingTraits } from "./landing-bench.ts";
import { bytesOf } from "./parts-of.ts";
import { s3ClientOf } from "./s3-bench.ts";
import { expectBytes, never } from "./vault-bench.ts";

export function offerClaims(get: () => LandingBench, { partSize }: LandingTraits): void {
  const keyOf = (name: string, bytes: Uint8Array): string => `tools/${name}-${createHash("sha256").update(bytes).digest("hex")}`;
  const fetched = async (url: string): Promise<Buffer> => Buffer.from(await (await fetch(url)).arrayBuffer());

  describe("an offered tool", () => {
    test("is stored once, locked, and read through a link to exactly that version", async () => {
      const { bench, place } = get();
      const bytes = bytesOf(100_000, `tool ${newName()}`);
      const landing = await land(bench.vault, landingRequestOf(partSize));
      const first = await landing.offer("avml", bytes, 60, never);
      expect(first.requestIds).not.toEqual([]);
      const [again, atOnce] = await Promise.all([landing.offer("avml", bytes, 60, never), landing.offer("avml", bytes, 60, never)]);
      for (const { url } of [first, again, atOnce]) expectBytes(await fetched(url), bytes);
      const key = keyOf("avml", bytes);
      expect(await bench.count(key)).toBe(1);
      const version = new URL(first.url).searchParams.get("versionId");
      expect(version).not.toBeNull();
      expect(new URL(again.url).searchParams.get("versionId")).toBe(version);
      expect(await deleteVersion(place, key, version)).not.toBeNull();
      // Without a version S3 only puts a marker over it: the link still reads what it was made for.
      await deleteVersion(place, key, null);
      expectBytes(await fetched(first.url), bytes);
    });

    test("its link cannot write, delete, or read anything else", async () => {
      const { bench } = get();
      const bytes = bytesOf(500, `tool ${newName()}`);
      const { url } = await (await land(bench.vault, landingRequestOf(partSize))).offer("avml", bytes, 60, never);
      const without = url.replace(/[?&]versionId=[^&]*/, (found) => (found.startsWith("?") ? "?" : ""));
      const tries: readonly (readonly [string, string])[] = [
        ["PUT", url],
        ["DELETE", url],
        ["POST", url],
        ["GET", url.replace("tools/avml", "tools/other")],
        ["GET", without],
      ];
      // POST is no operation on an object: some stores say so before they look at the signature.
      for (const [method, at] of tries) expect([method, isRefused((await fetch(at, { method })).status)]).toEqual([method, true]);
      expectBytes(await fetched(url), bytes);
      expect(await bench.count(keyOf("avml", bytes))).toBe(1);
    });

    test("is refused where other bytes stand under its name", async () => {
      const { bench, place } = get();
      const bytes = bytesOf(500, `tool ${newName()}`);
      const landing = await land(bench.vault, landingRequestOf(partSize));
      const client = s3ClientOf(place);
      await client.send(new PutObjectCommand({ Bucket: place.bucket, Key: `holdfast/${keyOf("avml", bytes)}`, Body: bytesOf(500, "evil") }));
      client.destroy();
      await expect(landing.offer("avml", bytes, 60, never)).rejects.toMatchObject({ code: "object-exists" });
    });

    test("must have a plain name and 1 byte to 64 MiB", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      for (const [name, bytes] of [
        ["../avml", Buffer.from("x")],
        ["", Buffer.from("x")],
        ["avml", Buffer.alloc(0)],
        ["avml", Buffer.alloc(64 * 2 ** 20 + 1)],
      ] as const)
        await expect(landing.offer(name, bytes, 60, never)).rejects.toMatchObject({ code: "unexpected" });
    });
  });
}

let names = 0;
function newName(): string {
  names += 1;
  return `${process.pid}-${names}-${Date.now()}`;
}
