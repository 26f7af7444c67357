import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Authority, checkArchived, timestamp } from "../../src/ledger/timestamps/timestamp.ts";
import { formatArchive, parseArchive } from "../../src/ledger/timestamps/timestamp-archive.ts";
import { parseTrust } from "../../src/ledger/timestamps/timestamp-chain.ts";
import { caExtensions, type CertificateWish, issue, type Issued, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa, type TsaFake, type TsaLie } from "../clouds/tsa-fake.ts";
import { forever } from "./support.ts";

const NOTE = Buffer.from("ledger.example/l/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u2014 ledger.example/l/test r2xEVw==\n");
const dir = mkdtempSync(join(tmpdir(), "holdfast-tsa-"));
const running: TsaFake[] = [];
let root: Issued;
let middle: Issued;

beforeAll(() => {
  root = issue(dir, { name: "root", key: "rsa", days: 3650, extensions: caExtensions }, null);
  middle = issue(dir, { name: "middle", key: "p384", days: 1000, extensions: caExtensions }, root);
});
afterEach(async () => {
  for (const fake of running.splice(0)) await fake.stop();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function authority(signer: Issued, chain: readonly Issued[]): Promise<{ readonly authority: Authority; readonly fake: TsaFake }> {
  const fake = await startTsa({ signer, chain: chain.map((c) => c.certificate), policy: "1.2.3.4" });
  running.push(fake);
  return { authority: { name: "tsa", url: fake.url, policy: null, trust: parseTrust(readFileSync(root.file, "utf8"), "ca") }, fake };
}

function tsa(wish: Partial<CertificateWish> & { readonly name: string }, by: Issued): Issued {
  return issue(dir, { key: "p256", days: 400, extensions: tsaExtensions, ...wish }, by);
}

function around(clock: () => Date = () => new Date()): Parameters<typeof timestamp>[2] {
  return { fetch, random: randomBytes, clock };
}

/** openssl's own verdict on what was archived. */
function opensslVerifies(bytes: Buffer, genTime: Date): boolean {
  const archive = parseArchive(bytes);
  const at = (name: string): string => join(dir, name);
  writeFileSync(at("note"), archive.note);
  writeFileSync(at("response.tsr"), archive.response);
  writeFileSync(at("chain.pem"), archive.chain.map((c) => c.toString()).join(""));
  const when = String(Math.floor(genTime.getTime() / 1000));
  const args = ["ts", "-verify", "-data", at("note"), "-in", at("response.tsr"), "-CAfile", root.file, "-untrusted", at("chain.pem"), "-attime", when];
  try {
    return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .includes("Verification: OK");
  } catch {
    return false;
  }
}

describe("a timestamp", () => {
  test.for<[string, CertificateWish["key"], boolean]>([
    ["ecdsa", "p256", true],
    ["rsa", "rsa", false],
  ])("by an %s authority is archived whole, and openssl accepts what is archived", async ([name, key, direct]) => {
    const signer = tsa({ name: `tsa-${name}`, key }, direct ? root : middle);
    const { authority: a } = await authority(signer, direct ? [] : [middle]);
    const outcome = await timestamp(a, NOTE, around(), forever);
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    const checked = checkArchived(a, outcome.bytes);
    expect(checked).toMatchObject({ genTime: outcome.time, policy: "1.2.3.4", note: NOTE });
    expect(checked.chain.map((c) => c.serialNumber)).toEqual([signer, ...(direct ? [] : [middle]), root].map((c) => c.certificate.serialNumber));
    expect(outcome.revocation).toContain("offers no revocation list");
    expect(opensslVerifies(outcome.bytes, outcome.time)).toBe(true);
  });

  test("with any one byte of the archive changed is refused by us; in note, signature or content by openssl too", async () => {
    const { authority: a } = await authority(tsa({ name: "tsa-bytes" }, root), []);
    const outcome = await timestamp(a, NOTE, around(), forever);
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    for (let at = 0; at < outcome.bytes.length; at += 1) {
      const damaged = Buffer.from(outcome.bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0x01, at);
      expect(() => checkArchived(a, damaged), `byte ${at}`).toThrow();
    }
    const archive = parseArchive(outcome.bytes);
    for (const at of [archive.response.length - 4, archive.response.length - 60, archive.response.indexOf(Buffer.from("202"))]) {
      const response = Buffer.from(archive.response);
      response.writeUInt8(response.readUInt8(at) ^ 0x01, at);
      const twin = formatArchive({ ...archive, response });
      expect(() => checkArchived(a, twin), `byte ${at} of the response`).toThrow(/does not count|not DER/);
      expect(opensslVerifies(twin, outcome.time), `openssl, byte ${at}`).toBe(false);
    }
    const twin = formatArchive({ ...archive, note: Buffer.from(archive.note.toString().replace("\n8\n", "\n9\n")) });
    expect(() => checkArchived(a, twin)).toThrow(/it stamps other bytes/);
    expect(opensslVerifies(twin, outcome.time)).toBe(false);
  });

  test("holds after the authority's certificate has expired, at the time that it states", async () => {
    const { authority: a } = await authority(tsa({ name: "tsa-short", days: 1 }, root), []);
    const outcome = await timestamp(a, NOTE, around(), forever);
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    expect(checkArchived(a, outcome.bytes).chain[0]?.validToDate.getTime()).toBeLessThan(Date.now() + 2 * 86_400_000);
    expect(opensslVerifies(outcome.bytes, outcome.time)).toBe(true);
    expect(opensslVerifies(outcome.bytes, new Date(outcome.time.getTime() + 3 * 86_400_000))).toBe(false);
  });

  test("of a time at which the certificate had expired does not count", async () => {
    const { authority: a, fake } = await authority(tsa({ name: "tsa-expired", days: 1 }, root), []);
    const later = (): Date => new Date(Date.now() + 3 * 86_400_000);
    fake.now = later;
    expect(await timestamp(a, NOTE, around(later), forever)).toMatchObject({ kind: "misconfigured", text: expect.stringContaining("was valid from") });
  });

  test("of another time than this machine's does not count", async () => {
    const { authority: a, fake } = await authority(tsa({ name: "tsa-skew" }, root), []);
    fake.now = () => new Date(Date.now() + 3_600_000);
    expect(await timestamp(a, NOTE, around(), forever)).toMatchObject({ kind: "misconfigured", text: expect.stringContaining("from this machine's clock") });
  });

  test("under another policy than the configuration demands does not count", async () => {
    const { authority: a } = await authority(tsa({ name: "tsa-policy" }, root), []);
    expect(await timestamp({ ...a, policy: "1.2.3.5" }, NOTE, around(), forever)).toMatchObject({
      kind: "misconfigured",
      text: expect.stringContaining("1.2.3.5 is demanded"),
    });
    expect(await timestamp({ ...a, policy: "1.2.3.4" }, NOTE, around(), forever)).toMatchObject({ kind: "stamped" });
  });

  test("that names its certificate by SHA-1 (RFC 3161 before 5816) counts: the signature holds the key", async () => {
    const { authority: a, fake } = await authority(tsa({ name: "tsa-v1" }, root), []);
    fake.lie = "sha-1-named";
    const outcome = await timestamp(a, NOTE, around(), forever);
    expect(outcome.kind === "stamped" && opensslVerifies(outcome.bytes, outcome.time)).toBe(true);
  });
});

describe("an authority that sends", () => {
  test.for<[TsaLie, string, RegExp]>([
    ["down", "broken", /./],
    ["problem-json", "broken", /it answered 400/],
    ["rejection", "misconfigured", /not granted: status rejection, the clock is not trusted/],
    ["granted-empty", "misconfigured", /holds no token/],
    ["garbage", "misconfigured", /not DER/],
    ["trailing", "misconfigured", /not DER/],
    ["nonce", "misconfigured", /nonce is not ours/],
    ["no-nonce", "misconfigured", /has no nonce/],
    ["imprint", "misconfigured", /stamps other bytes/],
    ["sha-512-imprint", "misconfigured", /stamps other bytes/],
    ["no-certificate", "misconfigured", /neither in it nor in ca/],
    ["other-certificate-named", "misconfigured", /not the certificate that it names/],
    ["none-named", "misconfigured", /does not name the certificate/],
    ["signature", "misconfigured", /signature does not verify/],
    ["signed-without-attributes", "misconfigured", /no signed attributes/],
    ["message-digest", "misconfigured", /not what was signed/],
    ["content-type", "misconfigured", /content type/],
    ["no-content-type", "misconfigured", /content type/],
    ["two-signers", "misconfigured", /2 signers/],
    ["sha-1-digest", "misconfigured", /not one that Holdfast accepts/],
  ])("%s gets no anchor", async ([lie, kind, text]) => {
    const { authority: a, fake } = await authority(tsa({ name: "tsa-lies" }, middle), [middle]);
    fake.lie = lie;
    const outcome = await timestamp(a, NOTE, around(), forever);
    expect(outcome.kind).toBe(kind);
    expect("text" in outcome && outcome.text).toMatch(text);
  });

  test.for<[string, readonly string[], RegExp]>([
    ["no purpose", ["basicConstraints=CA:FALSE"], /not timeStamping alone and critical/],
    ["a purpose that is not critical", ["extendedKeyUsage=timeStamping"], /not timeStamping alone and critical/],
    ["a second purpose", ["extendedKeyUsage=critical,timeStamping,codeSigning"], /not timeStamping alone and critical/],
    ["another purpose", ["extendedKeyUsage=critical,codeSigning"], /not timeStamping alone and critical/],
    ["the right to sign certificates", ["extendedKeyUsage=critical,timeStamping", "keyUsage=critical,digitalSignature,keyCertSign"], /keyCertSign/],
    ["a critical extension of its own", [...tsaExtensions, "1.2.3.4.5=critical,ASN1:NULL"], /critical extension 1\.2\.3\.4\.5/],
  ])("a token whose certificate has %s gets no anchor", async ([name, extensions, text]) => {
    const { authority: a } = await authority(tsa({ name: `tsa-${name.replaceAll(" ", "-")}`, extensions }, root), []);
    expect(await timestamp(a, NOTE, around(), forever)).toMatchObject({ kind: "misconfigured", text: expect.stringMatching(text) });
  });

  test("a token under a root that nobody configured gets no anchor, and is told apart", async () => {
    const foreign = issue(dir, { name: "foreign", key: "p256", days: 100, extensions: caExtensions }, null);
    const { authority: a } = await authority(tsa({ name: "tsa-foreign" }, foreign), [foreign]);
    expect(await timestamp(a, NOTE, around(), forever)).toMatchObject({
      kind: "misconfigured",
      text: expect.stringContaining("does not lead to a root in ca"),
    });
  });

  test("a token through a certificate that is no CA gets no anchor", async () => {
    const noCa = issue(dir, { name: "no-ca", key: "p256", days: 100, extensions: ["basicConstraints=critical,CA:FALSE"] }, root);
    const { authority: a } = await authority(tsa({ name: "tsa-under-no-ca" }, noCa), [noCa]);
    expect((await timestamp(a, NOTE, around(), forever)).kind).toBe("misconfigured");
  });

  test("a token through more CAs than the root allows gets no anchor", async () => {
    const narrow = issue(
      dir,
      { name: "narrow", key: "p256", days: 100, extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign"] },
      root,
    );
    const below = issue(dir, { name: "below", key: "p256", days: 100, extensions: caExtensions }, narrow);
    const { authority: a } = await authority(tsa({ name: "tsa-deep" }, below), [below, narrow]);
    expect(await timestamp(a, NOTE, around(), forever)).toMatchObject({ kind: "misconfigured", text: expect.stringContaining("allows 0 CAs below it") });
  });

  test("a token by an RSA key of 1024 bits gets no anchor", async () => {
    const { authority: a } = await authority(tsa({ name: "tsa-weak", key: "rsa-1024" }, root), []);
    expect(await timestamp(a, NOTE, around(), forever)).toMatchObject({ kind: "misconfigured", text: expect.stringContaining("shorter than 2048 bits") });
  });
});

test("a file without a self-signed CA is no trust", () => {
  expect(() => parseTrust(readFileSync(middle.file, "utf8"), "anchors.timestamp[0].ca")).toThrow(/anchors\.timestamp\[0\]\.ca: there is no self-signed/);
  expect(() => parseTrust("", "anchors.timestamp[0].ca")).toThrow(/no self-signed/);
});
