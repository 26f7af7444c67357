import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, randomInt, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { sshsigBlob, sshsigData, sshsigSigner } from "../../src/ledger/actors/ssh-signature.ts";
import { sshString } from "../../src/ledger/actors/ssh-wire.ts";
import { hasPython, script } from "./standalone-support.ts";

// Signatures with something changed, before our parser and the two verifiers: whoever alone accepts one is wrong, or the two others are.
const COUNT = 600;
const seed = Number(process.env["HOLDFAST_SEED"] ?? randomInt(2 ** 31));
let state = seed;
function next(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}
const dir = mkdtempSync(join(tmpdir(), "holdfast-signatures-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const message = Buffer.from("what was signed");

function mpint(n: Buffer): Buffer {
  const at = n.findIndex((byte) => byte !== 0);
  const short = n.subarray(at);
  return sshString((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}
function ecdsa(curve: "256" | "384" | "521"): Buffer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: `P-${curve}` });
  const width = { 256: 32, 384: 48, 521: 66 }[curve];
  const point = publicKey.export({ format: "der", type: "spki" }).subarray(-(2 * width + 1));
  const type = `ecdsa-sha2-nistp${curve}`;
  const rs = sign({ 256: "sha256", 384: "sha384", 521: "sha512" }[curve], sshsigData(message), { key: privateKey, dsaEncoding: "ieee-p1363" });
  const body = Buffer.concat([mpint(rs.subarray(0, width)), mpint(rs.subarray(width))]);
  return sshsigBlob(Buffer.concat([sshString(type), sshString(`nistp${curve}`), sshString(point)]), Buffer.concat([sshString(type), sshString(body)]));
}
function rsa(pair: { publicKey: KeyObject; privateKey: KeyObject }, name: "rsa-sha2-256" | "rsa-sha2-512"): Buffer {
  const { n = "", e = "" } = pair.publicKey.export({ format: "jwk" });
  const key = Buffer.concat([sshString("ssh-rsa"), mpint(Buffer.from(e, "base64url")), mpint(Buffer.from(n, "base64url"))]);
  return sshsigBlob(key, Buffer.concat([sshString(name), sshString(sign(name.replace("rsa-sha2-", "sha"), sshsigData(message), pair.privateKey))]));
}
function ed25519(): Buffer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = Buffer.concat([sshString("ssh-ed25519"), sshString(publicKey.export({ format: "der", type: "spki" }).subarray(-32))]);
  return sshsigBlob(key, Buffer.concat([sshString("ssh-ed25519"), sshString(sign(null, sshsigData(message), privateKey))]));
}

function changed(blob: Buffer): Buffer {
  const at = next(blob.length);
  switch (next(6)) {
    case 0:
      return blob;
    case 1:
      return Buffer.concat([blob.subarray(0, at), Buffer.of(next(256)), blob.subarray(at)]);
    case 2:
      return Buffer.concat([blob.subarray(0, at), blob.subarray(at + 1)]);
    case 3:
      return blob.subarray(0, at);
    case 4:
      return Buffer.concat([blob, Buffer.of(0)]);
    default: {
      const copy = Buffer.from(blob);
      copy.writeUInt8(next(3) === 0 ? 0 : copy.readUInt8(at) ^ (1 << next(8)), at);
      return copy;
    }
  }
}
const attempt = (judge: () => unknown): string => {
  try {
    return String(judge());
  } catch (error) {
    // Anything but a judgement is "could not check", which is another exit status.
    return error instanceof Error && ["Damage", "TypeError", "HoldfastError"].includes(error.constructor.name) ? "no" : String(error);
  }
};

test(`our parser and ${hasPython ? "both verifiers" : "the JavaScript verifier (python3 is absent)"} think alike of ${COUNT} changed signatures (seed ${seed})`, async () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const short = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const good = [ed25519(), ecdsa("256"), ecdsa("384"), ecdsa("521"), rsa(pair, "rsa-sha2-512"), rsa(pair, "rsa-sha2-256")];
  const blobs = [...good, rsa(short, "rsa-sha2-512"), ...Array.from({ length: COUNT }, () => changed(good[next(good.length)] ?? Buffer.alloc(0)))];
  const source = readFileSync(script("verify-export.mjs"), "utf8");
  writeFileSync(join(dir, "verifier.mjs"), `${source.slice(0, source.lastIndexOf("\ntry {\n"))}\nexport { sshsigSigner };\n`);
  const javascript: { sshsigSigner: (blob: Buffer, message: Buffer, where: string) => string } = await import(pathToFileURL(join(dir, "verifier.mjs")).href);
  const python = hasPython ? askPython(blobs) : null;
  let accepted = 0;
  for (const [i, blob] of blobs.entries()) {
    const answers = [attempt(() => sshsigSigner(blob, message).fingerprint), attempt(() => javascript.sshsigSigner(blob, message, "it"))];
    if (python !== null) answers.push(python[i] ?? "");
    expect(new Set(answers).size, `${answers.join(" | ")}\n${blob.toString("hex")}`).toBe(1);
    if (answers[0] !== "no") accepted += 1;
  }
  expect(accepted).toBeGreaterThan(COUNT / 12);
  expect(accepted).toBeLessThan(COUNT / 3);
});

function askPython(blobs: readonly Buffer[]): readonly string[] {
  writeFileSync(join(dir, "blobs"), blobs.map((blob) => blob.toString("base64")).join("\n"));
  const driver = `
import base64, sys
sys.path.insert(0, sys.argv[1])
import verify_export as verifier
for line in open(sys.argv[2]):
    try:
        print(verifier.sshsig_signer(base64.b64decode(line), b"${message.toString("latin1")}", "it"))
    except verifier.Damage:
        print("no")
`;
  return execFileSync("python3", ["-B", "-c", driver, join(script("verify_export.py"), ".."), join(dir, "blobs")])
    .toString("utf8")
    .trimEnd()
    .split("\n");
}
