import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cosignedAt, parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { openCheckpoint } from "../../src/ledger/format/checkpoint.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import { openOwnHead } from "../../src/ledger/anchors/own-head.ts";
import { parseNote } from "../../src/ledger/format/note.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { cosign } from "../../src/ledger/anchors/witness.ts";
import { startWitness, type WitnessFake, type WitnessLie } from "../clouds/witness-fake.ts";
import { forever, notes, open, ORIGIN, tempHome } from "./support.ts";

// ledger.md §16: seed 32 × ff, cosigned at 2026-01-01T00:00:00Z; made by two other programs.
const vector = {
  vkey: "witness.example/w1+8d942590+BHahWSBEpuT1ESZbynOmBNkLBSnR32Ar4woZqSV2YNH1",
  note: "ledger.example/l/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u2014 witness.example/w1 jZQlkAAAAABpVbkA3NF6zrCST5N7FAPDl9AFBOKJvUTXWNkZPdbGGowlHsPsXc8p6pJoj8NzQbXmt4bqOR57u6g8caReKGC1yR66Bw==\n",
};

describe("a cosignature", () => {
  const note = parseNote(Buffer.from(vector.note));
  const checkpoint = { origin: "ledger.example/l/test", size: 8, root: Buffer.from("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328", "hex") };
  const [line] = note.signatures;
  if (line === undefined) throw new TypeError("no line");

  test("made elsewhere is accepted, with its time", () => {
    expect(cosignedAt(note, checkpoint, parseWitnessKey(vector.vkey, "vkey"), line)).toBe(1_767_225_600);
  });

  test("with any one bit changed in time or signature is refused", () => {
    for (let bit = 0; bit < line.signature.length * 8; bit += 1) {
      const signature = Buffer.from(line.signature);
      signature.writeUInt8(signature.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(cosignedAt(note, checkpoint, parseWitnessKey(vector.vkey, "vkey"), { ...line, signature }), `bit ${bit}`).toBeNull();
    }
  });

  test.for([
    ["a log's key, type 0x01", "ledger.example/l/test+af6c4457+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"],
    ["another key id", vector.vkey.replace("8d942590", "8d942591")],
    ["another name", vector.vkey.replace("w1", "w2")],
    ["base64 with loose bits", vector.vkey.replace("YNH1", "YNH=")],
  ])("is not checked with %s", ([, text]) => {
    expect(() => parseWitnessKey(text ?? "", "anchors.witnesses[0].vkey")).toThrow(/^anchors\.witnesses\[0\]\.vkey: /);
  });
});

describe("asking a witness", () => {
  let home: ReturnType<typeof tempHome>;
  let witness: WitnessFake;
  beforeAll(() => {
    home = tempHome();
  });
  beforeEach(async () => {
    await witness?.stop();
    witness = await startWitness("witness.example/w1", ORIGIN, readVkeys(home.paths.keys).vkeys);
  });
  afterAll(async () => {
    await witness.stop();
    home[Symbol.dispose]();
  });
  const ask = async (paths: LedgerPaths, old: number): ReturnType<typeof cosign> => {
    using head = openOwnHead(paths, readVkeys(paths.keys));
    return await cosign({ name: "w1", url: witness.url, key: parseWitnessKey(witness.vkey, "vkey") }, head, old, fetch, forever);
  };

  test("gets a note that carries our signatures and its own", async () => {
    await append(home.paths, 3);
    const outcome = await ask(home.paths, 0);
    if (outcome.kind !== "cosigned") throw new TypeError(JSON.stringify(outcome));
    const note = parseNote(outcome.bytes);
    expect(openCheckpoint(outcome.bytes, ORIGIN, readVkeys(home.paths.keys).vkeys).size).toBe(3);
    expect(note.signatures.map((s) => s.name)).toEqual([ORIGIN, ORIGIN, "witness.example/w1"]);
  });

  test("goes on from the size that the witness names, and grows with a proof", async () => {
    await ask(home.paths, 0);
    await append(home.paths, 300);
    expect(await ask(home.paths, 1)).toMatchObject({ kind: "cosigned" });
    expect(witness.requests).toBe(3);
    expect(witness.seen.size).toBe(303);
  });

  test("that knows more entries than there are is told as a rollback, with both sizes", async () => {
    await append(home.paths, 1);
    await ask(home.paths, 0);
    const more = witness.seen.size + 4;
    Object.assign(witness.seen, { size: more });
    const outcome = await ask(home.paths, 0);
    expect(outcome).toMatchObject({ kind: "rollback", known: more });
    expect(outcome.kind === "rollback" && outcome.text).toContain(`has seen ${more} entries of this log, and here are ${more - 4}`);
  });

  test("that cosigned another history is told as a fork", async () => {
    await ask(home.paths, 0);
    witness.seen.root.writeUInt8(witness.seen.root.readUInt8(3) ^ 1, 3);
    expect(await ask(home.paths, 0)).toMatchObject({ kind: "fork", text: expect.stringContaining("bad consistency proof") });
  });

  test.for<[WitnessLie, string, RegExp]>([
    ["unknown-log", "misconfigured", /does not know the log ledger\.example/],
    ["bad-key", "misconfigured", /refuses our signature/],
    ["other-text", "broken", /cosignature does not verify/],
    ["time-0", "broken", /cosignature does not verify/],
    ["other-name", "broken", /not by the key of witness\.example\/w1/],
    ["bad-conflict", "broken", /409 without the size/],
    ["stale-size", "broken", /refuses to go on from there/],
    ["broken-500", "broken", /answered 500: no quorum of disks/],
    ["fork-422", "fork", /another history of this log/],
    ["endless", "broken", /longer than/],
    ["down", "broken", /./],
  ])("that is %s does not count", async ([lie, kind, text]) => {
    witness.lie = lie;
    const outcome = await ask(home.paths, 0);
    expect(outcome.kind).toBe(kind);
    expect("text" in outcome && outcome.text).toMatch(text);
  });

  test("with an ML-DSA-44 key (type 0x06) counts as well, and its lies do not", async () => {
    const quantum = await startWitness("witness.example/q", ORIGIN, readVkeys(home.paths.keys).vkeys, "ml-dsa-44");
    try {
      using head = openOwnHead(home.paths, readVkeys(home.paths.keys));
      const asked = { name: "q", url: quantum.url, key: parseWitnessKey(quantum.vkey, "vkey") };
      expect((await cosign(asked, head, 0, fetch, forever)).kind).toBe("cosigned");
      quantum.lie = "other-text";
      expect(await cosign(asked, head, head.checkpoint.size, fetch, forever)).toMatchObject({ kind: "broken" });
    } finally {
      await quantum.stop();
    }
  });

  test("stops when it is told to", async () => {
    const stopped = AbortSignal.abort(new Error("enough"));
    using head = openOwnHead(home.paths, readVkeys(home.paths.keys));
    await expect(cosign({ name: "w1", url: witness.url, key: parseWitnessKey(witness.vkey, "vkey") }, head, 0, fetch, stopped)).rejects.toThrow("enough");
  });
});

async function append(paths: LedgerPaths, count: number): Promise<void> {
  const recorder = await open(paths);
  await recorder.append(notes(count));
  await recorder.close();
}
