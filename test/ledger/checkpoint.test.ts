import { hash, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { cosignedMessage, formatBody, openCheckpoint, parseBody, parseOrigin, signCheckpoint, signCheckpointNow } from "../../src/ledger/format/checkpoint.ts";
import { formatVkey, keyIdOf, parseVkey, signingKeyOfSeed } from "../../src/ledger/keys/log-key.ts";
import { formatNote, parseNote } from "../../src/ledger/format/note.ts";
import { fileSigner } from "../../src/ledger/keys/signer.ts";
import { logId } from "../../src/ledger/store/head.ts";
import vectors from "../vectors/checkpoint.json" with { type: "json" };

const seed = Buffer.from(vectors.seed, "hex");
const ed = signingKeyOfSeed(vectors.origin, "ed25519", seed);
const ml = signingKeyOfSeed(vectors.origin, "ml-dsa-44", seed);
const both = [ed.vkey, ml.vkey];
const checkpoint = { origin: vectors.origin, size: vectors.size, root: Buffer.from(vectors.root, "base64") };
const bytes = (text: string): Buffer => Buffer.from(text, "utf8");

describe("C2SP vectors", () => {
  test("the example of the signed-note text parses, verifies, and is written again byte for byte", () => {
    const { vkey, keyId, note } = vectors.signedNoteExample;
    const key = parseVkey(vkey);
    const parsed = parseNote(bytes(note));
    const [line] = parsed.signatures;
    expect(keyIdOf("example.com/foo", "ed25519", key.pub).toString("hex")).toBe(keyId);
    expect(formatVkey(key)).toBe(vkey);
    expect(parsed.text).toBe("This is an example message.\n");
    expect(line?.keyId).toEqual(key.keyId);
    expect(verify(null, bytes(parsed.text), key.key, line?.signature ?? Buffer.alloc(0))).toBe(true);
    expect(formatNote(parsed)).toBe(note);
  });

  test("an Ed25519 seed gives the known verifier key, and the known note verifies beside a line of an unknown witness", () => {
    expect(formatVkey(ed.vkey)).toBe(vectors.vkey);
    const text = formatBody(checkpoint);
    expect([Buffer.byteLength(text), hash("sha256", text)]).toEqual([vectors.textBytes, vectors.textSha256]);
    expect(openCheckpoint(bytes(vectors.note), vectors.origin, [ed.vkey])).toEqual(checkpoint);
    expect(logId(vectors.origin).toString("hex")).toBe(vectors.originSha256);
  });

  test("Ed25519 being deterministic, our own signature is the known one", () => {
    expect(signCheckpointNow(checkpoint, [ed], 0)).toBe(vectors.note.split("\u2014 witness")[0]);
  });

  test("the ML-DSA-44 key of the same seed and its message have the known digests", () => {
    expect(hash("sha256", ml.vkey.pub)).toBe(vectors.mldsa.pubSha256);
    expect(ml.vkey.keyId.toString("hex")).toBe(vectors.mldsa.keyId);
    const message = cosignedMessage(vectors.origin, BigInt(vectors.mldsa.time), checkpoint);
    expect([message.length, hash("sha256", message)]).toEqual([vectors.mldsa.messageBytes, vectors.mldsa.messageSha256]);
    expect(parseVkey(formatVkey(ml.vkey)).pub).toEqual(ml.vkey.pub);
  });
});

describe("a checkpoint", () => {
  test("signed by both keys opens with both", async () => {
    const note = await signCheckpoint(checkpoint, [ed, ml].map(fileSigner), vectors.mldsa.time);
    expect(openCheckpoint(bytes(note), vectors.origin, both)).toEqual(checkpoint);
    expect(parseNote(bytes(note)).signatures.map((s) => s.signature.length)).toEqual([64, 8 + 2420]);
  });

  test("with only one of the two signatures is refused where the list has both", () => {
    for (const key of [ed, ml]) expect(() => openCheckpoint(bytes(signCheckpointNow(checkpoint, [key], 1)), vectors.origin, both)).toThrow(/has no/);
  });

  test("whose ML-DSA time was changed is refused", () => {
    const note = parseNote(bytes(signCheckpointNow(checkpoint, [ed, ml], 1)));
    const later = note.signatures.map((s) =>
      s.signature.length === 64 ? s : { ...s, signature: Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]), s.signature.subarray(8)]) },
    );
    expect(() => openCheckpoint(bytes(formatNote({ ...note, signatures: later })), vectors.origin, both)).toThrow(/ml-dsa-44 signature/);
  });

  test("with a second, false line of a known key is refused", () => {
    const note = parseNote(bytes(signCheckpointNow(checkpoint, [ed], 1)));
    const line = note.signatures[0];
    if (line === undefined) throw new Error("no line");
    const forged = formatNote({ ...note, signatures: [line, { ...line, signature: Buffer.alloc(64) }] });
    expect(() => openCheckpoint(bytes(forged), vectors.origin, [ed.vkey])).toThrow(/does not verify/);
  });

  test("of another size, root or origin does not keep its signature", () => {
    const note = signCheckpointNow(checkpoint, [ed], 1);
    expect(() => openCheckpoint(bytes(note.replace("\n8\n", "\n9\n")), vectors.origin, [ed.vkey])).toThrow(/does not verify/);
    expect(() => openCheckpoint(bytes(note), "ledger.example/l/other", [ed.vkey])).toThrow(/not of/);
    expect(() => openCheckpoint(bytes(note), vectors.origin, [])).toThrow(/no key/);
  });

  const good = "ledger.example/l/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
  test.for([
    ["a leading zero", good.replace("\n8\n", "\n08\n")],
    ["a sign", good.replace("\n8\n", "\n+8\n")],
    ["a size past 2^53", good.replace("\n8\n", "\n9007199254740993\n")],
    ["an extension line", `${good}more\n`],
    ["base64 with other last bits", good.replace("Qyg=", "Qyh=")],
    ["a short root", good.replace("XcnaeacG", "")],
    ["no origin", good.slice(good.indexOf("\n"))],
  ] as const)("with %s is not a checkpoint", ([, text]) => {
    expect(parseBody(good).size).toBe(8);
    expect(() => parseBody(text)).toThrow(/not a checkpoint|origin/);
  });

  test.for(["", "a b", "a+b", "a\nb", "x".repeat(256), "\u00a0"])("an origin %j is refused", (origin) => {
    expect(() => parseOrigin(origin)).toThrow(/origin/);
  });
});

describe("a note", () => {
  const note = vectors.note;
  test.for([
    ["a carriage return", note.replace("\n8\n", "\r\n8\n")],
    ["a control byte", note.replace("ledger", "led\u0007ger")],
    ["no blank line", note.replace("\n\n", "\n")],
    ["no signatures", note.slice(0, note.indexOf("\u2014"))],
    ["no newline at its end", note.slice(0, -1)],
    ["a hyphen for the dash", note.replaceAll("\u2014", "-")],
    ["two spaces", note.replace("\u2014 ", "\u2014  ")],
    ["a plus in a key name", note.replace("witness.example/w1", "witness+w1")],
    ["non-canonical base64", note.replace("kswU=", "kswV=")],
    ["a line after the signatures", `${note}more\n`],
    ["more than 64 signatures", note + `${note.split("\n").at(-2)}\n`.repeat(64)],
  ] as const)("with %s is refused", ([, text]) => {
    expect(() => parseNote(bytes(text))).toThrow(/not a C2SP signed note/);
  });

  test("that is not UTF-8 is refused", () => {
    expect(() => parseNote(Buffer.concat([Buffer.of(0xff), bytes(note)]))).toThrow(/UTF-8/);
  });

  test("is split at the last blank line, and 16 signatures are accepted", () => {
    const line = { name: "a.example", keyId: Buffer.alloc(4), signature: Buffer.alloc(64) };
    const parsed = parseNote(bytes(formatNote({ text: "one\n\ntwo\n", signatures: Array.from({ length: 16 }, () => line) })));
    expect(parsed.text).toBe("one\n\ntwo\n");
    expect(parsed.signatures.length).toBe(16);
  });
});

test.for(["x", "a+00000000+AQ==", vectors.vkey.replace("af6c4457", "af6c4458"), vectors.vkey.replace("+AQ", "+BA"), vectors.vkey.slice(0, -4)])(
  "a verifier key %j is refused",
  (text) => {
    expect(() => parseVkey(text)).toThrow();
  },
);
