import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ask, finish, isRefused, land, type LandingBench, landingRequestOf, type LandingTraits, linkOf, md5Of, push } from "./landing-bench.ts";
import { bytesOf } from "./parts-of.ts";
import { never } from "./vault-bench.ts";

/** What can be done with an upload link, by somebody who took it from a compromised host. */
export function linkClaims(get: () => LandingBench, traits: LandingTraits): void {
  const { partSize } = traits;
  const piece = bytesOf(1000, "piece");

  describe("an upload link", () => {
    test("differs from the next one only in its part and its signature, and says when it ends", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      const before = Date.now();
      const links = await landing.links(9_990, 11, 600, never);
      expect(links.from).toBe(9_990);
      expect(links.signatures).toHaveLength(11);
      expect(new Set(links.signatures).size).toBe(11);
      expect(links.template.match(/\{part\}/g)).toHaveLength(1);
      expect(links.template.match(/\{signature\}/g)).toHaveLength(1);
      expect(Math.abs(Date.parse(links.expires) - before - 600_000)).toBeLessThan(5_000);
      expect((await push(linkOf(links, 10_000), piece)).status).toBe(200);
      expect((await landing.arrived(never)).map(({ number }) => number)).toEqual([10_000]);
      for (const [from, count, seconds] of [
        [0, 1, 60],
        [10_000, 2, 60],
        [1, 0, 60],
        [1, 1, 604_801],
        [1, 1, 0],
      ] as const)
        await expect(landing.links(from, count, seconds, never)).rejects.toMatchObject({ code: "unexpected" });
    });

    test("cannot read, list, complete, abort or delete, nor write another part or another key", async () => {
      const request = landingRequestOf(partSize);
      const landing = await land(get().bench.vault, request);
      const url = linkOf(await landing.links(2, 1, 300, never), 2);
      expect((await push(url, piece)).status).toBe(200);
      for (const method of ["GET", "HEAD", "DELETE", "POST"]) expect([method, isRefused((await ask(method, url)).status)]).toEqual([method, true]);
      const changed: Readonly<Record<string, string>> = {
        "another part": url.replace("partNumber=2", "partNumber=3"),
        "another key": url.replace("memory.lime", "memory.line"),
        "no part": url.replace("partNumber=2&", "").replace("&partNumber=2", ""),
        "another upload": url.replace(/uploadId=./, "uploadId=A0"),
        "a longer life": url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        "another day": url.replace(/X-Amz-Date=\d{8}/, "X-Amz-Date=20991231"),
      };
      for (const [what, other] of Object.entries(changed)) {
        expect(other).not.toBe(url);
        expect([what, isRefused((await push(other, piece)).status)]).toEqual([what, true]);
      }
      expect((await landing.arrived(never)).map(({ number, bytes }) => [number, bytes])).toEqual([[2, piece.length]]);
    });

    test("is of no use once it has ended", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      const url = linkOf(await landing.links(1, 1, 1, never), 1);
      await sleep(2_500);
      expect(await push(url, piece)).toMatchObject({ status: 403, text: expect.stringMatching(/expired/i) });
      expect(await landing.arrived(never)).toEqual([]);
    });

    test("writes nothing any more once the object is complete", async () => {
      const { vault } = get().bench;
      const landing = await land(vault, landingRequestOf(partSize));
      const links = await landing.links(1, 2, 300, never);
      await push(linkOf(links, 1), piece);
      const stored = await finish(vault, landing);
      for (const part of [1, 2]) expect((await push(linkOf(links, part), bytesOf(1000, "late"))).status).toBe(404);
      expect(await vault.attest(stored, "identity", never)).toMatchObject({ kind: "present", receipt: { sealed: true, bytes: "1000" } });
    });

    test("a part whose Content-MD5 is of other bytes", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      const url = linkOf(await landing.links(1, 1, 300, never), 1);
      const answer = await ask("PUT", url, piece, { "content-md5": md5Of(bytesOf(1000, "other")) });
      if (traits.checksMd5) expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("BadDigest") });
      else expect(answer.status).toBe(200);
      expect(await landing.arrived(never)).toHaveLength(traits.checksMd5 ? 0 : 1);
    });

    test("a part without Content-MD5 of an upload under lock", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      const answer = await ask("PUT", linkOf(await landing.links(1, 1, 300, never), 1), piece);
      if (traits.demandsMd5) expect(answer).toMatchObject({ status: 400, text: expect.stringContaining("Content-MD5 OR x-amz-checksum-") });
      else expect(answer.status).toBe(200);
    });

    test("a header that begins with x-amz- and was not signed", async () => {
      const landing = await land(get().bench.vault, landingRequestOf(partSize));
      const url = linkOf(await landing.links(1, 1, 300, never), 1);
      const answer = await ask("PUT", url, piece, { "content-md5": md5Of(piece), "x-amz-sdk-checksum-algorithm": "SHA256" });
      if (traits.refusesUnsignedHeaders) expect(answer).toMatchObject({ status: 403, text: expect.stringContaining("AccessDenied") });
      else expect(answer.status).toBe(200);
    });
  });
}
