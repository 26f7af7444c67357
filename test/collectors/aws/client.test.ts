import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { calls, type CallName } from "../../../collectors/aws/calls/calls.ts";
import { collect } from "../../../collectors/aws/client/wire.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { differencesOf } from "../../clouds/aws/aws-model.ts";
import { openRig, type Rig } from "./link-rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  expect((await differencesOf(rig.fake.exchanges)).filter((text) => !text.includes("there is no model here") && !text.includes("unheardOf"))).toEqual([]);
  await rig.close();
});

const group = { GroupName: "q-1", Description: "quarantine" };

describe("wire bytes are what the service sent, byte for byte, with status, headers and request id", () => {
  const kept: readonly { readonly name: CallName; readonly operation: string }[] = [
    { name: "ec2:DescribeTags", operation: "DescribeTags" },
    { name: "logs:DescribeLogGroups", operation: "DescribeLogGroups" },
    { name: "sts:GetCallerIdentity", operation: "GetCallerIdentity" },
  ];
  test.for(kept)("$name", async ({ name, operation }) => {
    const answer = await rig.link().ask("source", null, name, {}, rig.signal, { keepWire: true });
    const sent = rig.fake.exchanges.find((exchange) => exchange.operation === operation);
    expect(answer.kind).toBe("answer");
    expect(Buffer.from(answer.wire?.bytes ?? []).toString("utf8")).toBe(sent?.answerBody);
    expect(Object.getPrototypeOf(answer.wire?.bytes) === Uint8Array.prototype || Buffer.isBuffer(answer.wire?.bytes)).toBe(true);
    expect(answer.wire).toMatchObject({ status: 200, headers: sent?.answerHeaders });
    expect(answer.requestId).toBe(sent?.requestId);
  });

  test("of a refusal too; and nothing is kept unasked", async () => {
    rig.fake.faults.add({ on: "ec2:DescribeTags", does: { kind: "deny" } });
    const link = rig.link();
    const refused = await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal, { keepWire: true });
    expect(refused).toMatchObject({ kind: "refused", trouble: "denied", code: "UnauthorizedOperation", wire: { status: 403 } });
    expect(Buffer.from(refused.wire?.bytes ?? []).toString("utf8")).toBe(rig.fake.exchanges[0]?.answerBody);
    expect(refused.requestId).toBe(rig.fake.exchanges[0]?.requestId);
    expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).wire).toBeNull();
  });

  test("an answer without end is not read to its end", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(100);
    }
    await expect(collect(endless(), 1000, "ec2:DescribeTags")).rejects.toMatchObject({ code: "unexpected", message: /longer than 1000 bytes/ });
  });
});

test("a dry run says allowed or denied, and nothing happens", async () => {
  const link = rig.link();
  expect(await link.dryRun("source", null, "ec2:CreateSecurityGroup", group, rig.signal)).toMatchObject({ kind: "answer", value: null });
  rig.fake.faults.add({ on: "ec2:CreateSecurityGroup", does: { kind: "deny" } });
  expect(await link.dryRun("source", null, "ec2:CreateSecurityGroup", group, rig.signal)).toMatchObject({ kind: "refused", trouble: "denied" });
  expect(rig.groups).toEqual([]);
  expect(rig.calls("CreateSecurityGroup")).toBe(2);
});

test("a server that carries out a dry run is an error and no permission", async () => {
  rig.fake.faults.add({ on: "ec2:DeleteSecurityGroup", times: 0, does: { kind: "deny" } });
  await expect(rig.link().dryRun("source", null, "ec2:DeleteSecurityGroup", { GroupId: "sg-1" }, rig.signal)).rejects.toMatchObject({
    code: "unexpected",
    message: /was carried out/,
  });
});

test("every answered call is observed with its request id, and the service's Date gives the clock's offset", async () => {
  await rig.close();
  rig = await openRig(90_000);
  const link = rig.link();
  await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal);
  await link.ask("source", "us-east-1", "sts:GetCallerIdentity", {}, rig.signal);
  expect(rig.observed.map(({ name, region, requestId }) => [name, region, requestId])).toEqual(
    rig.fake.exchanges.map((exchange) => [`${exchange.service}:${exchange.operation}`, exchange.region, exchange.requestId]),
  );
  for (const { date, sent, received } of rig.observed) {
    expect(Date.parse(date ?? "") - sent.getTime()).toBe(90_000);
    expect(received.getTime()).toBeGreaterThanOrEqual(sent.getTime());
  }
});

describe("a wrong endpoint is a wrong configuration, and the sentence names it", () => {
  test("nothing listens there", async () => {
    const link = rig.link({ config: { ...noAws, endpoint: "http://127.0.0.1:1" } });
    await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({
      code: "config",
      message: /nothing answers at aws\.endpoint http:\/\/127\.0\.0\.1:1/,
    });
  });
  test.for([200, 404])("a web page of status %i answers there", async (status) => {
    const server = createServer((_, response) => response.writeHead(status, { "content-type": "text/html" }).end("<html><body>hello<br></body></html>"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const link = rig.link({ config: { ...noAws, endpoint } });
    await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({
      code: "config",
      message: /aws\.endpoint .* is not AWS/,
    });
    link.close();
    server.close();
  });
});

test("an abort ends a call that waits, with the caller's reason", async () => {
  rig.fake.faults.add({ on: "ec2:DescribeTags", does: { kind: "delay", milliseconds: 60_000 } });
  const stop = new AbortController();
  const asked = rig.link().ask("source", null, "ec2:DescribeTags", {}, stop.signal);
  setTimeout(() => stop.abort(new Error("the investigator stopped it")), 100);
  await expect(asked).rejects.toThrow("the investigator stopped it");
});

test("rows have no field that nothing reads", () => {
  const known = new Set(["roles", "changes", "why", "permission", "resources", "condition", "also", "dryRun", "repeatable"]);
  for (const [name, row] of Object.entries(calls)) expect([name, Object.keys(row).filter((field) => !known.has(field))]).toEqual([name, []]);
});

test("only the SDK of the service that is asked is loaded", async () => {
  const script = `
    import { createRequire } from "node:module";
    import { openAwsLink } from ${JSON.stringify(new URL("../../../collectors/aws/client/client.ts", import.meta.url).href)};
    const link = openAwsLink({ config: { endpoint: ${JSON.stringify(rig.fake.url)}, accounts: {}, evidenceAccount: null, memory: null }, region: "eu-west-1", account: null,
      case: "C", collection: "c-1", clock: () => new Date(), random: (n) => new Uint8Array(n), sleep: async () => {} });
    const loaded = () => [...new Set(Object.keys(createRequire(import.meta.url).cache).map((path) => /client-[a-z0-9-]+/.exec(path)?.[0]).filter(Boolean))];
    const before = loaded();
    await link.identity("source", new AbortController().signal);
    link.close();
    console.log(JSON.stringify([before, loaded()]));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(JSON.parse(stdout)).toEqual([[], ["client-sts"]]);
});
