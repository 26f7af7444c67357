import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Anchored } from "../../src/core/anchored.ts";
import { type AnchorPolicy, anchorNames } from "../../src/ledger/anchors/anchor-policy.ts";
import { anchorNow } from "../../src/ledger/anchors/anchors.ts";
import { askWitnesses, withWitnesses } from "../../src/ledger/anchors/ask-witnesses.ts";
import { auditLedger } from "../../src/ledger/audit/audit.ts";
import { parseWitnessKey } from "../../src/ledger/anchors/cosignature.ts";
import { formatVkey } from "../../src/ledger/keys/log-key.ts";
import { readVkeys } from "../../src/ledger/keys/log-keys.ts";
import type { LedgerPaths } from "../../src/ledger/store/paths.ts";
import { parseArchive, type TimestampArchive } from "../../src/ledger/timestamps/timestamp-archive.ts";
import { parseTrust } from "../../src/ledger/timestamps/timestamp-chain.ts";
import { checkArchived } from "../../src/ledger/timestamps/timestamp.ts";
import { cacheDirectory, setUp } from "../clouds/setup.ts";
import { canIsolate, startTimestampServer, type TimestampServer } from "../clouds/timestamp-server.ts";
import { caExtensions, issue, tsaExtensions } from "../clouds/tsa-certificates.ts";
import { startLitewitness, type WitnessServer } from "../clouds/witness-server.ts";
import { forever, notes, open, ORIGIN, tempHome } from "./support.ts";

const tools = await setUp(cacheDirectory(process.env), ["litewitness", "timestamp-server"]);
const had = (name: string): boolean => tools.some((tool) => tool.name === name && tool.kind === "ready");
const isolated = canIsolate();
const inCi = (process.env["CI"] ?? "") !== "";
if (!isolated) console.log("NOT PROVEN, its tests are skipped: timestamp-server: this machine has no network namespaces for it (unshare -rn)");
const dir = mkdtempSync(join(tmpdir(), "holdfast-anchors-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function append(paths: LedgerPaths, count: number): Promise<void> {
  const recorder = await open(paths);
  await recorder.append(notes(count));
  await recorder.close();
}

function anchorAll(paths: LedgerPaths, policy: AnchorPolicy): Promise<readonly Anchored[]> {
  return anchorNow(paths, policy, anchorNames(policy), { fetch, clock: () => new Date(), random: randomBytes }, forever);
}

describe.skipIf(!inCi && !had("litewitness"))("litewitness", () => {
  let server: WitnessServer;
  let home: ReturnType<typeof tempHome>;
  let policy: AnchorPolicy;
  beforeAll(async () => {
    home = tempHome();
    server = await startLitewitness(inject("toolCache"), "witness.example/lw");
    policy = { witnesses: [{ name: "lw", url: server.url, key: parseWitnessKey(server.vkey, "vkey") }], authorities: [], quorum: 1 };
  });
  afterAll(async () => {
    await server.stop();
    home[Symbol.dispose]();
  });
  const audit = async (): ReturnType<typeof auditLedger> => {
    const found = await auditLedger(home.paths, forever, policy);
    return withWitnesses(found, await askWitnesses(home.paths, policy, found.found, fetch, 10_000, forever), 1);
  };

  test("does not cosign a log that it does not know, or one by another key", async () => {
    await append(home.paths, 3);
    expect(await anchorAll(home.paths, policy)).toMatchObject([{ kind: "misconfigured", text: expect.stringContaining("does not know the log") }]);
    using other = tempHome();
    const { vkeys } = readVkeys(other.paths.keys);
    server.knows(ORIGIN, vkeys.slice(0, 1).map(formatVkey));
    expect(await anchorAll(home.paths, policy)).toMatchObject([{ kind: "misconfigured", text: expect.stringContaining("refuses our signature") }]);
  });

  test("cosigns our heads as they grow, and each cosignature holds against the recomputed tree", async () => {
    const fresh = await startLitewitness(inject("toolCache"), "witness.example/lw");
    await server.stop();
    server = fresh;
    server.knows(ORIGIN, readVkeys(home.paths.keys).vkeys.slice(0, 1).map(formatVkey));
    policy = { witnesses: [{ name: "lw", url: server.url, key: parseWitnessKey(server.vkey, "vkey") }], authorities: [], quorum: 1 };
    for (const count of [0, 1, 4, 300]) {
      if (count > 0) await append(home.paths, count);
      expect(await anchorAll(home.paths, policy)).toMatchObject([{ kind: "anchored" }]);
    }
    expect(await audit()).toMatchObject({ verdict: "intact", assurance: "witnessed", anchors: ["witness:lw"] });
    expect(new Database(home.paths.ledger, { readonly: true }).prepare("SELECT count(*) FROM anchor").pluck().get()).toBe(4);
  });

  test("names the size it knows to a ledger that was put back, and refuses the fork that goes on from there", async () => {
    const old = mkdtempSync(join(tmpdir(), "holdfast-old-"));
    cpSync(home.dir, old, { recursive: true });
    await append(home.paths, 5);
    await anchorAll(home.paths, policy);
    rmSync(home.dir, { recursive: true });
    cpSync(old, home.dir, { recursive: true });
    rmSync(old, { recursive: true });
    const rolledBack = await audit();
    expect(rolledBack.verdict).toBe("rollback");
    expect(rolledBack.problems[0]?.text).toContain("has seen 313 entries of this log, and here are 308");
    await append(home.paths, 5);
    expect((await audit()).verdict).toBe("fork");
    await append(home.paths, 2);
    expect(await anchorAll(home.paths, policy)).toMatchObject([{ kind: "fork", text: expect.stringContaining("bad consistency proof") }]);
  });
});

describe.skipIf(!inCi && (!had("timestamp-server") || !isolated))("sigstore's timestamp-server", () => {
  const servers: TimestampServer[] = [];
  let home: ReturnType<typeof tempHome>;
  let policy: AnchorPolicy;
  let archives: readonly TimestampArchive[];
  beforeAll(async () => {
    home = tempHome();
    const root = issue(dir, { name: "root", key: "rsa", days: 900, extensions: caExtensions }, null);
    const middle = issue(dir, { name: "middle", key: "rsa", days: 800, extensions: [...caExtensions, "extendedKeyUsage=timeStamping"] }, root);
    const leaf = issue(dir, { name: "leaf", key: "rsa", days: 400, extensions: tsaExtensions }, middle);
    const chain = [leaf, middle, root].map(({ file }) => readFileSync(file, "utf8")).join("");
    servers.push(
      await startTimestampServer(inject("toolCache"), null),
      await startTimestampServer(inject("toolCache"), { key: readFileSync(join(dir, "leaf.key"), "utf8"), chain }),
    );
    policy = {
      witnesses: [],
      authorities: servers.map(({ url, chain: pem }, i) => ({ name: i === 0 ? "ecdsa" : "rsa", url, policy: null, trust: parseTrust(pem, "ca") })),
      quorum: 0,
    };
    await append(home.paths, 7);
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    home[Symbol.dispose]();
  });

  test("stamps our head, by an ECDSA and by an RSA key, and the audit holds both against the recomputed tree", async () => {
    expect(await anchorAll(home.paths, policy)).toMatchObject([{ kind: "anchored" }, { kind: "anchored" }]);
    expect(await auditLedger(home.paths, forever, policy)).toMatchObject({
      verdict: "intact",
      assurance: "timestamped",
      anchors: ["rfc3161:ecdsa", "rfc3161:rsa"],
    });
    const rows = new Database(home.paths.ledger, { readonly: true }).prepare<[], Buffer>("SELECT bytes FROM anchor ORDER BY kind").pluck().all();
    archives = rows.map(parseArchive);
    for (const [i, authority] of policy.authorities.entries()) expect(checkArchived(authority, rows[i] ?? Buffer.alloc(0)).chain.length).toBe(3);
  });

  test("openssl accepts what was archived, at the time it states, and refuses each damaged twin", () => {
    for (const [i, archive] of archives.entries()) {
      const genTime = checkedTime(archive, i);
      expect(openssl(archive, genTime)).toBe("Verification: OK");
      const note = Buffer.from(archive.note.toString().replace("\n7\n", "\n8\n"));
      expect(openssl({ ...archive, note }, genTime)).toMatch(/message imprint mismatch/);
      const response = Buffer.from(archive.response);
      response.writeUInt8(response.readUInt8(response.length - 3) ^ 1, response.length - 3);
      expect(openssl({ ...archive, response }, genTime)).not.toBe("Verification: OK");
      expect(openssl({ ...archive, chain: archives[1 - i]?.chain ?? [] }, genTime)).not.toBe("Verification: OK");
      expect(openssl(archive, new Date("2099-01-01T00:00:00Z"))).not.toBe("Verification: OK");
    }
  });

  test("refuses a policy that it does not have, and that is no anchor", async () => {
    const [first] = policy.authorities;
    if (first === undefined) throw new TypeError("no authority");
    const foreign: AnchorPolicy = { ...policy, authorities: [{ ...first, policy: "1.2.3.4.5" }] };
    const [answer] = await anchorAll(home.paths, foreign);
    expect(answer).toMatchObject({ kind: expect.stringMatching(/broken|misconfigured/) });
  });

  function checkedTime(archive: TimestampArchive, i: number): Date {
    const rows = new Database(home.paths.ledger, { readonly: true }).prepare<[], Buffer>("SELECT bytes FROM anchor ORDER BY kind").pluck().all();
    const authority = policy.authorities[i];
    if (authority === undefined) throw new TypeError("no authority");
    expect(archive.response.equals(parseArchive(rows[i] ?? Buffer.alloc(0)).response)).toBe(true);
    return checkArchived(authority, rows[i] ?? Buffer.alloc(0)).genTime;
  }
});

/** What FORMAT.md §14 tells a stranger to run. */
function openssl({ note, response, chain }: TimestampArchive, genTime: Date): string {
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const root = file("ca.pem", chain.slice(-1).map(String).join(""));
  const rest = file("chain.pem", chain.slice(0, -1).map(String).join(""));
  const args = ["ts", "-verify", "-data", file("note", note), "-in", file("token.tsr", response), "-CAfile", root, "-untrusted", rest];
  try {
    return execFileSync("openssl", [...args, "-attime", String(Math.floor(genTime.getTime() / 1000))], { stdio: "pipe" })
      .toString()
      .trim();
  } catch (error) {
    return error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  }
}
