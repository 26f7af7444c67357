import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { Collector } from "../../src/core/collector.ts";
import { HoldfastError } from "../../src/core/error.ts";
import type { Landing } from "../../src/core/landing.ts";
import type { PushSource, SourceReport } from "../../src/core/source.ts";
import { linkOf, pieces, push } from "../suite/landing-bench.ts";
import { bytesOf } from "../suite/parts-of.ts";
import { readAll } from "../suite/vault-bench.ts";
import { type CloudRig, collectorOf, openCloudRig, stepOf } from "./cloud-rig.ts";

const partSize = 4096;
const bytes = bytesOf(3 * partSize + 100, "the memory of a host");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const never = new AbortController().signal;

let rig: CloudRig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

type Host = {
  /** Sends what a host would. */
  readonly push: (landing: Landing, signal: AbortSignal) => Promise<void>;
  readonly continues?: boolean;
  readonly outcome?: SourceReport["outcome"];
};

/** A source that keeps what it was shown, so that a test can tell it from what was sent. */
function hostCollector(host: Host): Collector & { readonly seen: Buffer[] } {
  const seen: Buffer[] = [];
  const source: PushSource = {
    kind: "push",
    name: "memory.lime",
    mediaType: "application/x-lime",
    store: "as-is",
    partSize,
    continues: host.continues ?? false,
    push: host.push,
    inspect: (piece) => void seen.push(Buffer.from(piece)),
    report: () => ({ outcome: host.outcome ?? "collected", detail: "walked to the end", coverage: null, files: null, bad: [] }),
    close: () => Promise.resolve(),
  };
  return { ...collectorOf({ open: async () => ({ kind: "push", source }) }), seen };
}

/** Sends these parts (from 1) over the wire. */
async function send(landing: Landing, numbers: readonly number[]): Promise<void> {
  const parts = pieces(bytes, partSize);
  const links = await landing.links(1, parts.length, 300, never);
  for (const number of numbers) {
    const answer = await push(linkOf(links, number), parts[number - 1] ?? new Uint8Array());
    if (answer.status !== 200) throw new Error(`part ${number}: ${answer.status} ${answer.text}`);
  }
}

const memory = stepOf("memory", "exhibit");

async function stored(): Promise<Buffer> {
  const exhibit = rig?.result().exhibits.at(-1);
  const outcome = rig?.acts().findLast((act) => act.exhibits.some(({ id }) => id === exhibit?.id) && act.stored !== null);
  if (rig === null || outcome?.stored === undefined || outcome.stored === null) throw new Error("nothing is stored");
  const { uri, version } = outcome.stored;
  const key = uri.slice(uri.indexOf("/holdfast/") + "/holdfast/".length);
  return Buffer.from(await readAll(rig.vault, { vault: "s3", uri, key, version }, 0, Number(outcome.stored.bytes)));
}

describe("what a target pushes by itself", () => {
  test("is one sealed object, and its digest is of the bytes that we read back", async () => {
    rig = await openCloudRig([memory]);
    const collector = hostCollector({ push: (landing) => send(landing, [1, 2, 3, 4]) });
    await rig.run(collector);
    const { outcome, exhibits } = rig.result();
    expect(outcome).toBe("collected");
    expect(exhibits).toMatchObject([{ outcome: "collected", sha256, bytes: String(bytes.length), reproducible: false, stored: { sealed: true } }]);
    expect(Buffer.concat(collector.seen)).toEqual(Buffer.from(bytes));
    expect(await stored()).toEqual(Buffer.from(bytes));
  });

  test("whose middle is missing is truncated, never more than what came before the gap", async () => {
    rig = await openCloudRig([memory]);
    await rig.run(hostCollector({ push: (landing) => send(landing, [1, 2, 4]) }));
    const [exhibit] = rig.result().exhibits;
    expect(exhibit).toMatchObject({ outcome: "truncated", bytes: String(2 * partSize) });
    expect(exhibit?.detail).toContain("1 parts behind a gap or a short part were left out, the first of them part 4");
    expect(await stored()).toEqual(Buffer.from(bytes.subarray(0, 2 * partSize)));
  });

  test("over a channel that broke is kept as far as it came, and is not called whole", async () => {
    rig = await openCloudRig([memory]);
    const collector = hostCollector({
      async push(landing) {
        await send(landing, [1, 2, 3, 4]);
        throw new HoldfastError("unreachable", "the agent no longer answers");
      },
    });
    await rig.run(collector);
    expect(rig.result()).toMatchObject({ outcome: "partial", exhibits: [{ outcome: "truncated", bytes: String(bytes.length), sha256 }] });
    expect(rig.result().exhibits[0]?.detail).toContain("the agent no longer answers");
  });

  test("and of which nothing arrived is failed, whatever the source believes", async () => {
    rig = await openCloudRig([memory]);
    await rig.run(hostCollector({ push: async () => {} }));
    expect(rig.result()).toMatchObject({ outcome: "failed", exhibits: [{ outcome: "failed", stored: null, sha256: null }] });
    expect(rig.result().exhibits[0]?.detail).toContain("nothing of it arrived");
  });

  test("goes on after an interruption where the target goes on: one object under the same number", async () => {
    rig = await openCloudRig([memory]);
    const cut = hostCollector({
      async push(landing) {
        await send(landing, [1, 2]);
        throw new HoldfastError("paused", "stopped here");
      },
    });
    await expect(rig.run(cut)).rejects.toThrow("stopped here");
    let arrived: readonly number[] = [];
    const goesOn = hostCollector({
      continues: true,
      async push(landing) {
        arrived = (await landing.arrived(never)).map(({ number }) => number);
        expect(landing.resumed).toBe(true);
        await send(landing, [3, 4]);
      },
    });
    await rig.run(goesOn);
    expect(arrived).toEqual([1, 2]);
    expect(rig.result().exhibits).toMatchObject([{ id: "C/001", outcome: "collected", sha256 }]);
  });

  test("starts again under a new number where the target does not go on, and both facts are acts", async () => {
    rig = await openCloudRig([memory]);
    const cut = hostCollector({
      async push(landing) {
        await send(landing, [1]);
        throw new HoldfastError("paused", "stopped here");
      },
    });
    await expect(rig.run(cut)).rejects.toThrow("stopped here");
    await rig.run(hostCollector({ push: (landing) => send(landing, [1, 2, 3, 4]) }));
    expect(rig.result().exhibits).toMatchObject([
      { id: "C/001", outcome: "failed", stored: null },
      { id: "C/002", outcome: "collected", sha256 },
    ]);
  });

  test("cannot go into a vault that gives no links, and nothing is started on the target", async () => {
    let pushes = 0;
    rig = await openCloudRig([memory], (made) => ({ ...made, land: async () => null }));
    const collector = hostCollector({
      push: async () => {
        pushes += 1;
      },
    });
    await rig.run(collector);
    expect(rig.result().exhibits).toMatchObject([{ outcome: "unavailable", stored: null }]);
    expect(pushes).toBe(0);
  });
});
