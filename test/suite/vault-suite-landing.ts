import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  deleteVersion,
  finish,
  land,
  type LandingBench,
  landingRequestOf,
  type LandingTraits,
  linkOf,
  mediaTypeOf,
  push,
  pushAll,
  withDigest,
} from "./landing-bench.ts";
import { bytesOf } from "./parts-of.ts";
import { expectBytes, never, newKey, receiptOf, requestOf, type VaultBench } from "./vault-bench.ts";
import { linkClaims } from "./vault-suite-links.ts";
import { offerClaims } from "./vault-suite-offer.ts";

/** What a landing promises (src/core/landing.ts), asked of one store. */
export function landingSuite(name: string, open: () => Promise<LandingBench>, traits: LandingTraits): void {
  describe(`landing: ${name}`, () => {
    let opened: LandingBench | null = null;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      opened?.bench.vault.close();
      await opened?.bench.close();
    });
    const get = (): LandingBench => {
      if (opened === null) throw new Error("the store did not start");
      return opened;
    };
    objectClaims(get, traits);
    restartClaims(get, traits);
    linkClaims(get, traits);
    offerClaims(get, traits);
  });
}

const { partSize: _, ...suiteTraits } = {
  partSize: 0,
  mode: "compliance",
  lock: "irrevocable",
  seals: true,
  versions: true,
  oneWinner: true,
  failsProbes: [],
} as const;

function objectClaims(get: () => LandingBench, { partSize }: LandingTraits): void {
  const bench = (): VaultBench => get().bench;
  const bytes = bytesOf(2 * partSize + 77, "memory");

  test("what a host pushed with links alone is one locked object, sealed once its bytes were read again", async () => {
    const { vault } = bench();
    const request = landingRequestOf(partSize, { legalHold: true });
    const landing = await land(vault, request);
    expect(landing).toMatchObject({ resumed: false, partSize });
    expect(await landing.arrived(never)).toEqual([]);
    await pushAll(landing, bytes);
    const arrived = await landing.arrived(never);
    expect(arrived.map(({ number, bytes: size }) => [number, size])).toEqual([
      [1, partSize],
      [2, partSize],
      [3, 77],
    ]);
    expect(await bench().raw(request.key)).toBeNull();
    const stored = await landing.complete(arrived, never);
    expect(stored).toMatchObject({ key: request.key, bytes: bytes.length, proof: "reread", checksum: { type: "full", value: "" }, asked: request.retention });
    expect(await receiptOf(vault, stored)).toMatchObject({ sealed: false, problems: [expect.stringContaining("not read again yet")] });
    expectBytes(await bench().raw(request.key), bytes);
    expect(await mediaTypeOf(get().place, request.key)).toBe("application/octet-stream");
    const receipt = await receiptOf(vault, await withDigest(vault, stored));
    expect(receipt).toMatchObject({ sealed: true, lock: "irrevocable", legalHold: true, problems: [], bytes: String(bytes.length) });
    expect(receipt.text).toContain("comes from reading this version again");
    expect(await deleteVersion(get().place, request.key, stored.version)).not.toBeNull();
    expect(await bench().unfinished(request.key)).toBe(0);
  });

  test("a put that was sent is held to the store's own SHA-256 as before, also beside a landing", async () => {
    const { vault } = bench();
    const landing = await land(vault, landingRequestOf(partSize));
    await pushAll(landing, bytes);
    const { proof: _proof, ...stored } = await finish(vault, landing);
    for (const strict of [stored, { ...stored, proof: "sent" as const }])
      expect(await receiptOf(vault, strict)).toMatchObject({ sealed: false, problems: [expect.stringContaining("checksum")] });
  });

  test("parts with a gap, and none at all, are not completed", async () => {
    const landing = await land(bench().vault, landingRequestOf(partSize));
    await pushAll(landing, bytes, (part) => part !== 2);
    const arrived = await landing.arrived(never);
    expect(arrived.map(({ number }) => number)).toEqual([1, 3]);
    await expect(landing.complete(arrived, never)).rejects.toThrow("part 2 is missing");
    await expect(landing.complete([], never)).rejects.toThrow("no parts");
  });

  test("a key that is taken is refused before a host is asked to send anything", async () => {
    const key = newKey();
    await bench().vault.put(requestOf({ ...suiteTraits, partSize }, bytesOf(9, "other"), { key }), never);
    await expect(land(bench().vault, landingRequestOf(partSize, { key }))).rejects.toMatchObject({ code: "object-exists" });
    expect(await bench().unfinished(key)).toBe(0);
  });

  test("a key that is taken while the host sends is not overwritten, and what the host sent stays", async () => {
    const request = landingRequestOf(partSize);
    const landing = await land(bench().vault, request);
    await pushAll(landing, bytes);
    await bench().vault.put(requestOf({ ...suiteTraits, partSize }, bytesOf(9, "other"), { key: request.key }), never);
    await expect(finish(bench().vault, landing)).rejects.toMatchObject({ code: "object-exists" });
    expectBytes(await bench().raw(request.key), bytesOf(9, "other"));
    expect(await landing.arrived(never)).toHaveLength(3);
  });
}

function restartClaims(get: () => LandingBench, { partSize }: LandingTraits): void {
  const bench = (): VaultBench => get().bench;
  const bytes = bytesOf(3 * partSize + 5, "again");

  /** Every run is a new program that knows the key, and the token if one was journaled. */
  const steps = ["nothing", "begun", "begun and journaled", "some parts", "all parts", "completed"] as const;
  test.for(steps)("a run that is killed after %s, and is repeated, ends as one version", async (reached) => {
    const { vault } = bench();
    const request = landingRequestOf(partSize);
    const at = steps.indexOf(reached);
    let token: string | null = null;
    if (at >= 1) {
      const first = await land(vault, request);
      if (at >= 2) token = first.token;
      if (at >= 3) await pushAll(first, bytes, (part) => at >= 4 || part !== 2);
      if (at >= 5) await first.complete(await first.arrived(never), never);
    }
    const again = await land(vault, request, token);
    expect(again.resumed).toBe(at >= 2);
    if (at >= 2) expect(again.token).toBe(token);
    const arrived = new Map((await again.arrived(never)).map((part) => [part.number, part.bytes]));
    expect([...arrived.keys()]).toEqual(at >= 4 ? [1, 2, 3, 4] : at === 3 ? [1, 3, 4] : []);
    if (at < 5) await pushAll(again, bytes, (part) => !arrived.has(part));
    const stored = await finish(vault, again);
    expect(await receiptOf(vault, stored)).toMatchObject({ sealed: true });
    expectBytes(await bench().raw(request.key), bytes);
    expect([await bench().count(request.key), await bench().unfinished(request.key)]).toEqual([1, 0]);
  });

  test("completing again with the parts as they were gives the same version", async () => {
    const { vault } = bench();
    const request = landingRequestOf(partSize);
    const landing = await land(vault, request);
    await pushAll(landing, bytes);
    const parts = await landing.arrived(never);
    const first = await landing.complete(parts, never);
    expect((await landing.complete(parts, never)).version).toBe(first.version);
    expect((await (await land(vault, request, landing.token)).complete(parts, never)).version).toBe(first.version);
    await expect((await land(vault, request, landing.token)).complete(parts.slice(0, 2), never)).rejects.toMatchObject({ code: "vault" });
    await expect((await land(vault, request, landing.token)).links(1, 1, 60, never)).rejects.toThrow("complete");
    expect(await bench().count(request.key)).toBe(1);
  });

  test("an upload that the store lost is begun again under another token", async () => {
    const { vault } = bench();
    const request = landingRequestOf(partSize);
    const first = await land(vault, request);
    await pushAll(first, bytes);
    const parts = await first.arrived(never);
    await bench().loseUpload(request.key, first.token);
    await expect(first.complete(parts, never)).rejects.toThrow("lost the unfinished upload");
    const again = await land(vault, request, first.token);
    expect([again.resumed, again.token === first.token]).toEqual([false, false]);
    expect(await again.arrived(never)).toEqual([]);
  });

  test("abandoning leaves nothing, may be repeated, and its links are dead", async () => {
    const { vault } = bench();
    const request = landingRequestOf(partSize);
    const landing = await land(vault, request);
    await pushAll(landing, bytes, (part) => part < 3);
    const links = await landing.links(1, 1, 300, never);
    expect(await bench().unfinished(request.key)).toBe(1);
    await vault.abandon(request.key, landing.token, never);
    await vault.abandon(request.key, landing.token, never);
    expect([await bench().unfinished(request.key), await bench().count(request.key)]).toEqual([0, 0]);
    expect((await push(linkOf(links, 1), bytes.subarray(0, 1000))).status).toBe(404);
  });

  test("uploads of a key that only begins the same are not touched", async () => {
    const { vault } = bench();
    const request = landingRequestOf(partSize);
    const other = await land(vault, { ...request, key: `${request.key}.2` });
    await land(vault, request);
    await land(vault, request);
    expect([await bench().unfinished(request.key), await bench().unfinished(`${request.key}.2`)]).toEqual([1, 1]);
    await vault.abandon(`${request.key}.2`, other.token, never);
  });
}
