import { hash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { checkArchived, timestamp, type Authority } from "../../src/ledger/timestamps/timestamp.ts";
import { formatArchive, parseArchive } from "../../src/ledger/timestamps/timestamp-archive.ts";
import { checkToken } from "../../src/ledger/timestamps/timestamp-token.ts";
import { parseTrust } from "../../src/ledger/timestamps/timestamp-chain.ts";
import { caExtensions, issue, type Issued, revocationList, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startTsa, type TsaFake } from "../clouds/tsa-fake.ts";
import { listen } from "../clouds/witness-fake.ts";
import { forever } from "./support.ts";

const NOTE = Buffer.from("ledger.example/l/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u2014 ledger.example/l/test r2xEVw==\n");
const dir = mkdtempSync(join(tmpdir(), "holdfast-crl-"));
let offered: Buffer | null = null;
let lists: Server;
let root: Issued;
let signer: Issued;
let fake: TsaFake;
let authority: Authority;

beforeAll(async () => {
  lists = createServer((_, response) => (offered === null ? response.writeHead(503).end() : response.end(offered)));
  const url = await listen(lists);
  root = issue(dir, { name: "root", key: "rsa", days: 900, extensions: caExtensions }, null);
  signer = issue(dir, { name: "tsa", key: "p256", days: 400, extensions: [...tsaExtensions, `crlDistributionPoints=URI:${url}/root.crl`] }, root);
  fake = await startTsa({ signer, chain: [], policy: "1.2.3.4" });
  authority = { name: "tsa", url: fake.url, policy: null, trust: parseTrust(readFileSync(root.file, "utf8"), "ca") };
});
afterEach(() => {
  offered = null;
});
afterAll(async () => {
  await fake.stop();
  lists.close();
  rmSync(dir, { recursive: true, force: true });
});

const stamp = (): ReturnType<typeof timestamp> => timestamp(authority, NOTE, { fetch, random: randomBytes, clock: () => new Date() }, forever);

describe("the revocation list that a CA offers", () => {
  test("is archived beside the token, and checked again from the archive", async () => {
    offered = revocationList(dir, root, []);
    const outcome = await stamp();
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    expect(parseArchive(outcome.bytes).crls).toEqual([offered]);
    expect(outcome.revocation).toContain("is archived");
    expect(checkArchived(authority, outcome.bytes).policy).toBe("1.2.3.4");
  });

  test("that names the authority's certificate makes its token no anchor, and an archive with it altered", async () => {
    offered = revocationList(dir, root, [signer]);
    expect(await stamp()).toMatchObject({ kind: "misconfigured", text: expect.stringContaining("was revoked before") });
    const revoked = offered;
    offered = revocationList(dir, root, []);
    const outcome = await stamp();
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    const twin = formatArchive({ ...parseArchive(outcome.bytes), crls: [revoked] });
    expect(() => checkArchived(authority, twin)).toThrow(/was revoked before/);
  });

  test("that cannot be had is said, and the token counts", async () => {
    const outcome = await stamp();
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    expect(parseArchive(outcome.bytes)).toMatchObject({ crls: [], revocation: expect.stringContaining("was not had: it answered 503") });
  });

  test.for<[string, () => Buffer, RegExp]>([
    ["of another CA", () => revocationList(dir, issue(dir, { name: "other", key: "rsa", days: 90, extensions: caExtensions }, null), []), /another CA/],
    ["with a changed signature", () => flipped(revocationList(dir, root, [])), /signature does not verify/],
    ["that is none", () => Buffer.from("<html>"), /not DER|cannot be read/],
  ])("%s is not taken for one", async ([, make, text]) => {
    offered = make();
    const outcome = await stamp();
    if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
    expect(parseArchive(outcome.bytes)).toMatchObject({ crls: [], revocation: expect.stringMatching(text) });
    const twin = formatArchive({ ...parseArchive(outcome.bytes), crls: [offered] });
    expect(() => checkArchived(authority, twin)).toThrow(/of none of its CAs/);
  });
});

test("a response with any one bit changed is refused, or says the same: what is not signed decides nothing", async () => {
  const outcome = await stamp();
  if (outcome.kind !== "stamped") throw new TypeError(JSON.stringify(outcome));
  const archive = parseArchive(outcome.bytes);
  const whole = checkArchived(authority, outcome.bytes);
  let passed = 0;
  for (let at = 0; at < archive.response.length; at += 1) {
    const response = Buffer.from(archive.response);
    response.writeUInt8(response.readUInt8(at) ^ (1 << (at % 8)), at);
    try {
      const found = checkToken(response, { imprint: hash("sha256", NOTE, "buffer"), nonce: null, policy: null }, [], authority.trust);
      expect({ genTime: found.genTime, policy: found.policy, chain: found.chain.map(String) }).toEqual({
        genTime: whole.genTime,
        policy: whole.policy,
        chain: whole.chain.map(String),
      });
      passed += 1;
    } catch (error) {
      expect(error, `byte ${at}`).toMatchObject({ name: "HoldfastError" });
    }
  }
  expect(passed).toBeLessThan(archive.response.length / 20);
});

function flipped(bytes: Buffer): Buffer {
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5);
  return bytes;
}
