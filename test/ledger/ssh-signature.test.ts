import { execFileSync, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sshSigner } from "../../src/app/ssh-signer.ts";
import type { ActorSigner } from "../../src/core/actor-signer.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { exportLedger } from "../../src/ledger/read/export-ledger.ts";
import { parseSshKey } from "../../src/ledger/actors/ssh-key.ts";
import { armourSshsig, sshsigBlob, sshsigData, sshsigSigner, unarmourSshsig } from "../../src/ledger/actors/ssh-signature.ts";
import { sshString, sshU32 } from "../../src/ledger/actors/ssh-wire.ts";
import { both } from "../verify/standalone-support.ts";
import { act, enrolled, type Person } from "./actor-support.ts";
import { forever, tempHome } from "./support.ts";

const hasKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;
const hasAgent = hasKeygen && spawnSync("ssh-agent", ["-?"]).error === undefined;
const message = Buffer.from("DSSEv1 4 type 5 bytes");
const types = [
  ["ed25519", ["-t", "ed25519"]],
  ["ecdsa-256", ["-t", "ecdsa", "-b", "256"]],
  ["ecdsa-384", ["-t", "ecdsa", "-b", "384"]],
  ["ecdsa-521", ["-t", "ecdsa", "-b", "521"]],
  ["rsa-3072", ["-t", "rsa", "-b", "3072"]],
] as const;

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "holdfast-ssh-"));
  if (!hasKeygen) return;
  for (const [name, args] of types) keygen(...args, "-N", "", "-C", "", "-f", join(dir, name));
  keygen("-t", "ed25519", "-N", "secret words", "-C", "", "-f", join(dir, "locked"));
  keygen("-t", "rsa", "-b", "2048", "-N", "", "-C", "", "-f", join(dir, "short"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function keygen(...args: readonly string[]): void {
  execFileSync("ssh-keygen", ["-q", ...args]);
}
const signerOf = (name: string, environment: Readonly<Record<string, string>> = {}): Promise<ActorSigner> =>
  sshSigner({ actor: "jane", keyFile: `${name}.pub`, configFolder: dir, environment: { ...environment } });

/** OpenSSH's own judgement. */
function accepts(publicKey: string, signature: Uint8Array, over: Uint8Array, namespace = "holdfast"): boolean {
  writeFileSync(join(dir, "allowed"), `jane namespaces="holdfast" ${publicKey}\n`);
  writeFileSync(join(dir, "signature"), armourSshsig(signature));
  const args = ["-Y", "verify", "-f", join(dir, "allowed"), "-I", "jane", "-n", namespace, "-s", join(dir, "signature")];
  return spawnSync("ssh-keygen", args, { input: over }).status === 0;
}
const flipped = (bytes: Uint8Array, fromEnd: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(copy.length - fromEnd) ^ 1, copy.length - fromEnd);
  return copy;
};

/** A FIDO key without the device: what PROTOCOL.u2f says that one signs, over a key in memory. */
function fidoSigner(curve: "ed25519" | "p256"): ActorSigner {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } =
    curve === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const der = pair.publicKey.export({ format: "der", type: "spki" });
  const type = curve === "ed25519" ? "sk-ssh-ed25519@openssh.com" : "sk-ecdsa-sha2-nistp256@openssh.com";
  const body = curve === "ed25519" ? [sshString(der.subarray(-32))] : [sshString("nistp256"), sshString(der.subarray(-65))];
  const blob = Buffer.concat([sshString(type), ...body, sshString("ssh:")]);
  const hash = (bytes: Uint8Array | string): Buffer => createHash("sha256").update(bytes).digest();
  const tail = Buffer.concat([Buffer.of(1), sshU32(7)]);
  const mpint = (n: Buffer): Buffer => {
    const short = n.subarray(n.findIndex((byte) => byte !== 0));
    return sshString((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
  };
  return {
    actor: "jane",
    publicKey: `${type} ${blob.toString("base64")}`,
    async sign(over) {
      const data = Buffer.concat([hash("ssh:"), tail, hash(sshsigData(over))]);
      if (curve === "ed25519") return sshsigBlob(blob, Buffer.concat([sshString(type), sshString(sign(null, data, pair.privateKey)), tail]));
      const rs = sign("sha256", data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
      return sshsigBlob(blob, Buffer.concat([sshString(type), sshString(Buffer.concat([mpint(rs.subarray(0, 32)), mpint(rs.subarray(32))])), tail]));
    },
  };
}

const all: readonly (readonly [string, () => Promise<ActorSigner>])[] = [
  ...types.map(([name]) => [name, () => signerOf(name)] as const),
  ["FIDO Ed25519", async () => fidoSigner("ed25519")],
  ["FIDO ECDSA", async () => fidoSigner("p256")],
];

describe.skipIf(!hasKeygen)("a signature (needs ssh-keygen)", () => {
  test.for(all)("of an %s key is accepted by ssh-keygen -Y verify, and its damaged twins by neither", async ([, make]) => {
    const signer = await make();
    const signature = await signer.sign(message);
    expect(accepts(signer.publicKey, signature, message)).toBe(true);
    expect(sshsigSigner(signature, message).line).toBe(signer.publicKey);
    for (const twin of [flipped(signature, 12), flipped(signature, 30)]) {
      expect(accepts(signer.publicKey, twin, message)).toBe(false);
      expect(() => sshsigSigner(twin, message)).toThrow();
    }
    expect(accepts(signer.publicKey, signature, flipped(message, 1))).toBe(false);
    expect(() => sshsigSigner(signature, flipped(message, 1))).toThrow(/does not verify/);
    expect(unarmourSshsig(armourSshsig(signature))).toEqual(Buffer.from(signature));
  });

  test("made for another namespace is worth nothing here", async () => {
    const { publicKey } = await signerOf("ed25519");
    const file = execFileSync("ssh-keygen", ["-Y", "sign", "-q", "-n", "git", "-f", join(dir, "ed25519")], { input: message }).toString("utf8");
    expect(() => sshsigSigner(unarmourSshsig(file), message)).toThrow(/made for "git"/);
    expect(accepts(publicKey, unarmourSshsig(file), message)).toBe(false);
  });

  test("of every kind stands in one log, which the audit and both other verifiers accept", async () => {
    using home = tempHome();
    const people: Person[] = [];
    for (const [name, make] of all) {
      const signer = { ...(await make()), actor: name };
      people.push({ actor: { id: name, kind: "person", proof: "asserted" }, signer, line: signer.publicKey });
    }
    const [first, ...others] = people;
    if (first === undefined) throw new Error("nobody");
    await enrolled(home.paths, first, ...others);
    for (const one of people) await act(home.paths, one, "note", { reason: `by ${one.actor.id}` });
    expect(await auditLedger(home.paths, forever)).toMatchObject({ verdict: "intact", problems: [] });
    await exportLedger(home.paths, join(home.dir, "export"), forever);
    expect(await both(join(home.dir, "export"))).toMatchObject({ code: 0, text: expect.stringMatching(/all signatures good; 7 actors/) });
  });
});

describe.skipIf(!hasKeygen)("a key file (needs ssh-keygen)", () => {
  test.for([
    ["with a passphrase and no agent", "locked", /passphrase.*ssh-add/],
    ["without its private half", "alone", /no ssh-agent holds.*ssh-add/],
    ["beside another key's private half", "swapped", /is not the private key of/],
  ] as const)("%s gives an error that says what to do", async ([, name, text]) => {
    const line = (await signerOf("ed25519")).publicKey;
    if (name === "alone") writeFileSync(join(dir, "alone.pub"), line);
    if (name === "swapped") {
      keygen("-t", "ed25519", "-N", "", "-C", "", "-f", join(dir, "swapped"));
      writeFileSync(join(dir, "swapped.pub"), line);
    }
    const signer = await signerOf(name);
    await expect(signer.sign(message)).rejects.toMatchObject({ code: "config", message: expect.stringMatching(text) });
  });

  test("of an RSA key of 2048 bits, of another file, or none, is refused by name", async () => {
    await expect(signerOf("short")).rejects.toMatchObject({ code: "config", cause: expect.objectContaining({ message: expect.stringMatching(/2048 bits/) }) });
    await expect(signerOf("missing")).rejects.toThrow(/missing.pub cannot be read/);
    expect(() => parseSshKey("ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", "--key x")).toThrow(/--key x/);
    expect(() => parseSshKey("hello", "--key x")).toThrow(/give the line of a .pub file/);
  });
});

describe.skipIf(!hasAgent)("an ssh-agent (needs ssh-agent and ssh-keygen)", () => {
  let environment: Readonly<Record<string, string>> = {};
  let pid = 0;
  beforeAll(() => {
    const said = execFileSync("ssh-agent", ["-a", join(dir, "agent"), "-s"]).toString("utf8");
    pid = Number(/SSH_AGENT_PID=([0-9]+)/.exec(said)?.[1]);
    environment = { SSH_AUTH_SOCK: join(dir, "agent") };
    for (const [name] of types) execFileSync("ssh-add", ["-q", join(dir, name)], { env: { ...process.env, ...environment } });
  });
  afterAll(() => process.kill(pid));

  test.for(types)("signs with an %s key whose file is elsewhere, as ssh-keygen accepts", async ([name]) => {
    const { publicKey } = await signerOf(name);
    writeFileSync(join(dir, "only.pub"), publicKey);
    const signer = await signerOf("only", environment);
    const signature = await signer.sign(message);
    expect(accepts(publicKey, signature, message)).toBe(true);
    expect(sshsigSigner(signature, message).line).toBe(publicKey);
  });

  test("that is not there does not keep a key file from signing", async () => {
    const signer = await signerOf("ed25519", { SSH_AUTH_SOCK: join(dir, "nobody") });
    expect(sshsigSigner(await signer.sign(message), message).line).toBe(signer.publicKey);
  });
});
