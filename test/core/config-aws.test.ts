import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/core/config.ts";

const sha256 = "ab".repeat(32);

test("no aws block is no account, no endpoint, no tool", () => {
  expect(parseConfig({}).aws).toEqual({ endpoint: null, accounts: {}, evidenceAccount: null, memory: null });
});

test("the aws block of contract.md is read as written", () => {
  const text = `
aws:
  endpoint: http://127.0.0.1:5000
  accounts:
    "012345678901": {role: "arn:aws:iam::012345678901:role/holdfast", externalId: x-1, regions: [eu-west-1, us-gov-west-1], kmsKey: "arn:aws:kms:eu-west-1:012345678901:key/abc-1"}
    "111122223333": {regions: [eu-west-1]}
  evidenceAccount: {role: "arn:aws:iam::999988887777:role/ir/evidence", kmsKey: "arn:aws:kms:eu-west-1:999988887777:alias/evidence"}
  memory: {tool: ./avml, sha256: ${sha256}, windows: {tool: ./winpmem.exe, sha256: ${sha256}}}
`;
  expect(parseConfig(parse(text)).aws).toEqual({
    endpoint: "http://127.0.0.1:5000",
    accounts: {
      "012345678901": {
        role: "arn:aws:iam::012345678901:role/holdfast",
        externalId: "x-1",
        regions: ["eu-west-1", "us-gov-west-1"],
        kmsKey: "arn:aws:kms:eu-west-1:012345678901:key/abc-1",
      },
      "111122223333": { role: null, externalId: null, regions: ["eu-west-1"], kmsKey: null },
    },
    evidenceAccount: { role: "arn:aws:iam::999988887777:role/ir/evidence", externalId: null, kmsKey: "arn:aws:kms:eu-west-1:999988887777:alias/evidence" },
    memory: { tool: "./avml", sha256, windows: { tool: "./winpmem.exe", sha256 } },
  });
});

describe("a wrong aws block is refused by the name of its key", () => {
  const refused: readonly { readonly yaml: string; readonly message: RegExp }[] = [
    { yaml: "aws: {endpont: http://x}", message: /^aws\.endpont: unknown key; did you mean endpoint/ },
    { yaml: "aws: {endpoint: localhost:5000}", message: /^aws\.endpoint: .*not a URL/ },
    { yaml: "aws: {endpoint: 'http://key:secret@127.0.0.1'}", message: /^aws\.endpoint: credentials do not belong/ },
    { yaml: "aws: {accounts: {012345678901: {}}}", message: /^aws\.accounts\.12345678901: an account id is 12 digits; write it in quotes/ },
    { yaml: 'aws: {accounts: {"111122223333": {rol: x}}}', message: /^aws\.accounts\.111122223333\.rol: unknown key; did you mean role/ },
    { yaml: 'aws: {accounts: {"111122223333": {role: holdfast}}}', message: /^aws\.accounts\.111122223333\.role: "holdfast" is not a role/ },
    {
      yaml: 'aws: {accounts: {"111122223333": {role: "arn:aws:iam::444455556666:role/x"}}}',
      message: /role: .* is of account 444455556666, not of 111122223333/,
    },
    { yaml: 'aws: {accounts: {"111122223333": {externalId: abc}}}', message: /externalId: there is no role/ },
    { yaml: 'aws: {accounts: {"111122223333": {role: "arn:aws:iam::111122223333:role/x", externalId: "a b"}}}', message: /externalId: use 2 to 1224/ },
    { yaml: 'aws: {accounts: {"111122223333": {regions: eu-west-1}}}', message: /regions: expected a list/ },
    { yaml: 'aws: {accounts: {"111122223333": {regions: [europe]}}}', message: /regions\[0\]: "europe" is not a Region/ },
    { yaml: 'aws: {accounts: {"111122223333": {kmsKey: alias/mine}}}', message: /kmsKey: "alias\/mine" is not a key/ },
    { yaml: "aws: {evidenceAccount: {role: 'arn:aws:iam::1:role/x'}}", message: /^aws\.evidenceAccount\.role: / },
    { yaml: "aws: {memory: {tool: ./avml, sha256: ABC}}", message: /^aws\.memory\.sha256: expected 64 lower-case hex/ },
    { yaml: `aws: {memory: {sha256: ${sha256}}}`, message: /^aws\.memory\.tool: expected a text/ },
    { yaml: `aws: {memory: {tool: a, sha256: ${sha256}, windows: {tool: b}}}`, message: /^aws\.memory\.windows\.sha256: / },
  ];
  test.for(refused)("$yaml", ({ yaml, message }) => {
    expect(() => parseConfig(parse(yaml))).toThrow(expect.objectContaining({ code: "config", message: expect.stringMatching(message) }));
  });
});
