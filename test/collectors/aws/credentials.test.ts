import { afterEach, beforeEach, expect, test } from "vitest";
import { noAws } from "../../../src/core/config-aws.ts";
import { userKey } from "../../clouds/aws/key-ring.ts";
import { accounts, away, home, openRig, type Rig, role, useKey } from "./link-rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  expect(rig.fake.unknown).toEqual([]);
  await rig.close();
});

const minutes = 60_000;

test("another account is worked with in its role, by external id, in a session named for the collection and tagged with its case", async () => {
  const link = rig.link({ account: away });
  expect(await link.identity("source", rig.signal)).toEqual({
    account: away,
    arn: `arn:aws:sts::${away}:assumed-role/holdfast/20261124T120000Z-9f3a1c`,
    partition: "aws",
  });
  const asked = rig.fake.exchanges.find(({ operation }) => operation === "GetCallerIdentity");
  expect(rig.keys.find(asked?.accessKeyId ?? "")?.sessionTags).toEqual({ "holdfast:case": "C-7", "holdfast:collection": "20261124T120000Z-9f3a1c" });
});

test("the evidence account has credentials of its own; without one in the configuration, to ask it is a wrong configuration", async () => {
  const link = rig.link({ config: { ...noAws, endpoint: rig.fake.url, evidenceAccount: { role: role.arn, externalId: "case-42", kmsKey: null } } });
  expect((await link.identity("source", rig.signal)).account).toBe(home);
  expect((await link.identity("evidence", rig.signal)).account).toBe(away);
  await expect(rig.link().identity("evidence", rig.signal)).rejects.toMatchObject({ code: "config", message: /^aws\.evidenceAccount: / });
});

test("credentials of another account than the target's are refused before anything is asked of it", async () => {
  await expect(rig.link({ account: "999900001111" }).identity("source", rig.signal)).rejects.toMatchObject({
    code: "config",
    message:
      /the target is in account 999900001111, the credentials are arn:aws:iam::111122223333:user\/investigator; name aws\.accounts\."999900001111"\.role/,
  });
});

test("a role's credentials are renewed before they end, once for all who ask together", async () => {
  const link = rig.link({ account: away });
  const ask = (): Promise<unknown> => Promise.all(Array.from({ length: 8 }, () => link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)));
  await ask();
  rig.pass(54 * minutes);
  await ask();
  expect(rig.calls("AssumeRole")).toBe(1);
  rig.pass(2 * minutes);
  await ask();
  expect(rig.calls("AssumeRole")).toBe(2);
  expect(rig.fake.exchanges.filter(({ status }) => status >= 300)).toEqual([]);
});

test("a token that ends under way is renewed and the call asked again, without a wait and once for all", async () => {
  const link = rig.link({ account: away });
  await link.ask("source", null, "logs:DescribeLogGroups", {}, rig.signal);
  const used = rig.keys.find(rig.fake.exchanges.at(-1)?.accessKeyId ?? "");
  if (used === null) throw new TypeError("no key was used");
  rig.keys.register({ ...used, expires: new Date("2026-11-24T11:59:59Z") });
  for (const answer of await Promise.all([
    link.ask("source", null, "ec2:DescribeTags", {}, rig.signal),
    link.ask("source", null, "logs:DescribeLogGroups", {}, rig.signal),
    link.ask("source", null, "sts:GetCallerIdentity", {}, rig.signal),
  ]))
    expect(answer.kind).toBe("answer");
  expect(rig.fake.exchanges.filter(({ code }) => code !== null).map(({ code }) => code)).toEqual(
    expect.arrayContaining(["RequestExpired", "ExpiredTokenException", "ExpiredToken"]),
  );
  expect(rig.calls("AssumeRole")).toBe(2);
  expect(rig.waits).toEqual([]);
});

test("keys that are withdrawn in the middle: the chain's new ones are taken, and without new ones the collection pauses", async () => {
  const link = rig.link();
  await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal);
  rig.keys.remove(rig.me.accessKeyId);
  const next = userKey(home, "second");
  rig.keys.register(next);
  useKey(next);
  expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).kind).toBe("answer");
  rig.keys.remove(next.accessKeyId);
  await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "paused", message: /resume/ });
  useKey(null);
  await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "paused" });
});

test("no credentials at all is a wrong configuration that says how to set them", async () => {
  useKey(null);
  await expect(rig.link().ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "config", message: /AWS_PROFILE/ });
});

test("a key that AWS does not know is a wrong configuration", async () => {
  useKey(userKey(home, "stranger"));
  await expect(rig.link().ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "config", message: /AuthFailure/ });
});

test.for([
  { why: "it is not there", change: () => rig.assumable.delete(role.arn) },
  { why: "the external id is another", change: () => rig.assumable.set(role.arn, { ...role, externalId: "other" }) },
  { why: "sessions may not be tagged", change: () => rig.assumable.set(role.arn, { ...role, tags: false }) },
])("a role that may not be assumed because $why: the sentence names role and remedy", async ({ change }) => {
  change();
  const asked = rig.link({ account: away }).ask("source", null, "ec2:DescribeTags", {}, rig.signal);
  await expect(asked).rejects.toMatchObject({
    code: "config",
    message: expect.stringMatching(/^aws\.accounts\.444455556666\.role: arn:.* may not be assumed .*TagSession.*external id/),
  });
  expect(rig.calls("DescribeTags")).toBe(0);
});

test("a role that is withdrawn while its credentials still work is used until they end", async () => {
  const link = rig.link({ account: away });
  await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal);
  rig.assumable.clear();
  rig.pass(57 * minutes);
  expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).kind).toBe("answer");
  rig.pass(4 * minutes);
  await expect(link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).rejects.toMatchObject({ code: "paused", message: /may not be assumed/ });
});

test("configured accounts are looked up by their own names only", async () => {
  const link = rig.link({ account: "constructor", config: { ...noAws, endpoint: rig.fake.url, accounts } });
  expect((await link.ask("source", null, "ec2:DescribeTags", {}, rig.signal)).kind).toBe("answer");
});
