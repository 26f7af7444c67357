import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ProbeStore, probeStore } from "./s3-probe.ts";
import { probes } from "./s3-probes.ts";
import { clientConfigOf } from "./servers.ts";

/** The same questions to the real servers: where one differs from AWS it must differ in the way that is written down. */
describe.for(["minio", "versitygw"] as const)("%s", (name) => {
  const found = inject("servers")[name];
  const clients: S3Client[] = [];
  let store: ProbeStore;

  beforeAll(async () => {
    if (found.kind === "none") return;
    const config = { ...clientConfigOf(found.server), maxAttempts: 1 };
    const [s3, plain] = [new S3Client(config), new S3Client({ ...config, requestChecksumCalculation: "WHEN_REQUIRED" })];
    clients.push(s3, plain);
    store = await probeStore(s3, plain, `probes-${Date.now()}`, { clock: () => new Date(), pass: (milliseconds) => sleep(milliseconds) });
  });
  afterAll(() => {
    for (const client of clients) client.destroy();
  });

  test.for(probes)("$name", async (probe, { skip }) => {
    if (found.kind === "none") return skip(`${name}: ${found.why}`);
    const expected = probe[name] ?? probe.aws;
    return expect(await probe.ask(store)).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
  });
});
