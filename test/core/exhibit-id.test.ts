import { describe, expect, test } from "vitest";
import { exhibitId, parseCaseId, parseExhibitId } from "../../src/core/case.ts";
import { nearest } from "../../src/core/nearest.ts";
import { parseTarget } from "../../src/core/target.ts";

describe("names", () => {
  test.for([
    [1, "C/001"],
    [999, "C/999"],
    [1000, "C/1000"],
  ] as const)("exhibit %i is %s and back", ([number, id]) => {
    expect(exhibitId("C", number)).toBe(id);
    expect(parseExhibitId(id)).toEqual({ caseId: "C", number });
  });
  test.for(["C/1", "C/0001", "C", "/001", "C/abc", "../C/001"])("%s is no exhibit", (text) => expect(() => parseExhibitId(text)).toThrow(/is not an exhibit/));
  test.for(["../x", "", "-a", "a b", "a/b", "a".repeat(65)])("%j is no case id", (text) => expect(() => parseCaseId(text)).toThrow(/case id/));
  test.for([
    ["host:local", "host"],
    ["ssh://jane@db1:2222", "ssh"],
    ["aws:eu-west-1:i-0abc1234", "aws"],
    ["arn:aws:ec2:eu-west-1:123456789012:instance/i-0abc1234", "aws"],
    ["/SUBSCRIPTIONS/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v", "azure"],
    ["projects/p/zones/z/instances/1", "gcp"],
  ] as const)("%s is a target of %s", ([text, kind]) => expect(parseTarget(text).kind).toBe(kind));
  test("a mistyped word gets the nearest known one, a foreign word none", () => {
    expect([nearest("valuts", ["vaults", "origin"]), nearest("zzzzzz", ["vaults", "origin"])]).toEqual(["vaults", null]);
  });
});
