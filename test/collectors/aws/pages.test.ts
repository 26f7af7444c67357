import { expect, test } from "vitest";
import type { Aws } from "../../../collectors/aws/aws.ts";
import type { Answer } from "../../../collectors/aws/client/link.ts";
import { lookAtInstance } from "../../../collectors/aws/look.ts";
import { allPages } from "../../../collectors/aws/client/pages.ts";

type Page = { readonly NextToken?: string; readonly things?: readonly number[]; readonly Reservations?: unknown; readonly Volumes?: unknown };

const answered = <T>(value: T): Answer<T> => ({ kind: "answer", value, requestId: "r-1", date: null, wire: null });
const call = "ec2:DescribeVolumes";

/** Pages by the token that leads to them; the first by "". */
const list = (pages: Readonly<Record<string, Page>>) => async (from: { readonly NextToken?: string }) => answered(pages[from.NextToken ?? ""] ?? {});

test("empty pages with a token do not end a list", async () => {
  const read = await allPages(
    call,
    list({ "": { NextToken: "a" }, a: { NextToken: "b", things: [1] }, b: { NextToken: "c" }, c: { things: [2], NextToken: "" } }),
  );
  expect(read).toMatchObject({ kind: "pages" });
  expect(read.kind === "pages" && read.pages.flatMap(({ things = [] }) => things)).toEqual([1, 2]);
});

test.for([
  { round: "at once", pages: { "": { NextToken: "a" }, a: { NextToken: "a" } } },
  { round: "over several pages", pages: { "": { NextToken: "a" }, a: { NextToken: "b" }, b: { NextToken: "c" }, c: { NextToken: "a" } } },
])("a list that leads round $round is refused and does not pass for the whole", async ({ pages }) => {
  expect(await allPages(call, list(pages))).toMatchObject({ kind: "refused", call, trouble: "invalid", code: "repeated page token", requestId: "r-1" });
});

test("volumes whose list leads round are not known, and the look goes on with what the instance names", async () => {
  const instance = { InstanceId: "i-1" };
  const aws = lookable({ "ec2:DescribeInstances": { "": { NextToken: "x" }, x: { Reservations: [{ Instances: [instance] }] } } });
  const look = await lookAtInstance(aws, new AbortController().signal);
  expect(look).toMatchObject({ instance, volumes: null, refused: expect.stringContaining("ec2:DescribeVolumes: repeated page token") });
});

test("an instance whose list leads round is said not to be found, and not to be gone", async () => {
  const aws = lookable({ "ec2:DescribeInstances": { "": { NextToken: "x" }, x: { NextToken: "x" } } });
  await expect(lookAtInstance(aws, new AbortController().signal)).rejects.toThrow(/it cannot be found \(ec2:DescribeInstances: repeated page token/);
});

function lookable(pages: Readonly<Record<string, Readonly<Record<string, Page>>>>): Aws {
  const round = { "": { NextToken: "v" }, v: { NextToken: "v" } };
  const ask = (_scope: string, _region: null, name: string, input: { readonly NextToken?: string }): Promise<Answer<Page>> => list(pages[name] ?? round)(input);
  const part: Partial<Aws> = { arn: "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", instance: { instance: "i-1" } as Aws["instance"] };
  return { ...part, link: { ask } as unknown as Aws["link"] } as Aws;
}
