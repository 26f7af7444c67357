import { createHash, generateKeyPairSync, type KeyObject, privateDecrypt, constants, createDecipheriv } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { windowsPreflightScript } from "../../../collectors/aws/memory/windows-preflight-script.ts";
import { windowsMemoryScript } from "../../../collectors/aws/memory/windows-script.ts";
import { expectAsModelled } from "../../clouds/aws/as-modelled.ts";
import { type Answered, answering, type Order } from "../../clouds/aws/machine.ts";
import { managedInstance } from "../../clouds/aws/ssm-world.ts";
import { ask, md5Of, pieces } from "../../suite/landing-bench.ts";
import { bytesOf } from "../../suite/parts-of.ts";
import { instanceId, type MemoryRig, openMemoryRig, partSize } from "./memory-rig.ts";
import { takePushed } from "./take-pushed.ts";

test.skip("NOT PROVEN: there is no PowerShell here; the scripts for Windows were never run, and no real WinPmem was started", () => {});

const raw = bytesOf(5 * partSize + 4096, "raw memory");
let rig: MemoryRig;
beforeEach(async () => {
  rig = await openMemoryRig();
});
afterEach(async () => {
  await expectAsModelled(rig.fake);
  await rig.close();
});

/** Plays a Windows host by the words of the protocol: it reads what the command brings and answers as the script is meant to. */
function playedHost(preflight: Readonly<Record<string, unknown>>, exit = 0): void {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const der = publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const play = async ({ script }: Order): Promise<Answered> => {
    const directory = /\$dir = '([^']+)'/.exec(script)?.[1] ?? "";
    if (script.includes("holdfast.memory-preflight/1")) {
      const facts = { arch: "x86_64", kernel: "Windows Server 2022", lockdown: "HVCI running", memTotalKb: raw.length / 1024, free: 2 ** 33, mounted: false };
      const answer = {
        schema: "holdfast.memory-preflight/1",
        ended: "ready",
        ...facts,
        directory,
        http: "dotnet",
        publicKey: der,
        ranges: 0,
        ram: [],
        ...preflight,
      };
      return { code: answer.ended === "ready" ? 0 : 40, stdout: `${JSON.stringify(answer)}\r\n` };
    }
    if (script.includes("holdfast.memory-cleanup/1"))
      return { code: 0, stdout: JSON.stringify({ schema: "holdfast.memory-cleanup/1", ended: "cleaned", removed: [directory] }) };
    const lines = opened(/@'\n([\s\S]*?)\n'@/.exec(script)?.[1] ?? "", privateKey);
    const tool = await ask("GET", lines.find((line) => line.startsWith("tool "))?.slice(5) ?? "");
    const shape = lines.find((line) => line.startsWith("part "))?.slice(5) ?? "";
    for (const [index, piece] of pieces(raw, partSize).entries()) {
      const signature = lines.find((line) => line.startsWith(`sig ${index + 1} `))?.split(" ")[2] ?? "";
      const answer = await ask("PUT", shape.replace("@PART@", String(index + 1)).replace("@SIGNATURE@", signature), piece, { "content-md5": md5Of(piece) });
      expect(answer.status).toBe(200);
    }
    const toolSha256 = createHash("sha256").update(tool.text).digest("hex");
    const sums = { toolSha256, parts: 6, bytes: raw.length, sha256: createHash("sha256").update(raw).digest("hex") };
    const ended = exit === 0 ? "dumped" : "tool-failed";
    return {
      code: exit,
      stdout: `${JSON.stringify({ schema: "holdfast.memory-dump/1", ended, ...sums, left: false, said: exit === 0 ? "" : "driver was blocked" })}\r\n`,
    };
  };
  rig.ssm.instances.splice(
    0,
    1,
    managedInstance({ instanceId, account: rig.agent.account, region: rig.agent.region, platform: "Windows", machine: answering(play) }),
  );
}

/** With Node's own cipher, and openssl's derivation written out. */
function opened(batch: string, key: KeyObject): readonly string[] {
  const [head = "", body = ""] = batch.replace(/^sealed\n/, "").split("\n\n");
  const phrase = privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, Buffer.from(head, "base64"));
  const sealed = Buffer.from(body, "base64");
  const seed = Buffer.concat([phrase, sealed.subarray(8, 16)]);
  const first = createHash("sha256").update(seed).digest();
  const second = createHash("sha256").update(first).update(seed).digest();
  const cipher = createDecipheriv("aes-256-cbc", first, second.subarray(0, 16));
  return Buffer.concat([cipher.update(sealed.subarray(16)), cipher.final()])
    .toString()
    .split("\n");
}

test("a Windows host's raw image lands whole, in words that do not claim more than is known", async () => {
  playedHost({});
  const drive = await rig.drive("winpmem", undefined, rig.windows());
  expect(drive.step("memory").title).toContain("by the pinned WinPmem");
  const source = await rig.push(rig.collector("winpmem", rig.windows()), drive);
  expect(source).toMatchObject({ name: "memory.raw", mediaType: "application/octet-stream" });
  const { report, bytes } = await takePushed(rig.vault, source);
  expect(bytes.equals(raw)).toBe(true);
  expect(report).toMatchObject({ outcome: "collected", detail: expect.stringContaining("whose form does not say whether it is whole") });
  expect(report.detail).toContain("HVCI running");
  expect(rig.ssm.commands.map(({ document }) => document)).toEqual(["AWS-RunPowerShellScript", "AWS-RunPowerShellScript"]);
  expect(JSON.stringify(rig.ssm.commands.map(({ parameters }) => parameters))).not.toContain("X-Amz-");
});

test("an image smaller than the memory, and a tool that failed, are told", async () => {
  playedHost({ memTotalKb: raw.length }, 53);
  const source = await rig.push(rig.collector("winpmem", rig.windows()), await rig.drive("winpmem", undefined, rig.windows()));
  const { report } = await takePushed(rig.vault, source);
  expect(report.outcome).toBe("truncated");
  expect(report.detail).toContain("the memory tool ended with an error: driver was blocked");
  expect(report.detail).toContain(`the raw image has ${raw.length} bytes, the host has ${raw.length * 1024} of memory`);
});

test("a host without administrators' rights is denied, one whose answer names another directory gets no script", async () => {
  playedHost({ ended: "not-root" });
  const drive = await rig.drive("winpmem", undefined, rig.windows());
  expect(await drive.open(rig.collector("winpmem", rig.windows()), "memory")).toMatchObject({ kind: "none", outcome: "denied" });
  playedHost({ directory: "C:\\Users\\Public'; calc" });
  const again = await rig.drive("winpmem", undefined, rig.windows());
  const source = await rig.push(rig.collector("winpmem", rig.windows()), again);
  expect((await takePushed(rig.vault, source)).report).toMatchObject({ outcome: "failed", detail: expect.stringContaining("nothing was started") });
  expect(again.recorded.at(-1)?.done.detail).toMatch(/^removed C:\\+Windows/);
});

test("without a pinned tool for Windows the plan says so", async () => {
  playedHost({});
  expect((await rig.drive()).step("memory").title).toContain("no memory tool for Windows is configured");
});

test("scripts are bounded: a command takes 64 KB, and no text of theirs is a parameter of SSM's", () => {
  const token = "0123456789abcdef0123";
  const batch = `sealed\n${"A".repeat(64)}`;
  const dump = windowsMemoryScript({ token, tool: { bytes: 9, sha256: "a".repeat(64) }, partSize, batch, tries: 3, patience: 9, poll: 1 });
  for (const script of [dump, windowsPreflightScript(token, 1)]) {
    expect(JSON.stringify(script).length).toBeLessThan(12_000);
    expect(script).not.toContain("{{");
  }
});
