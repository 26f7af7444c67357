import type { Done } from "../../../src/core/collector.ts";
import type { Step } from "../../../src/core/plan.ts";
import { type Refused, refusedDone, withId, wordsOf } from "../client/refused.ts";
import type { Aws } from "../aws.ts";
import type { Input, Output } from "../client/link.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import { badBefore, changedNothing, fieldsOf, lastRead, nothingToUndo, type Protection, readBack, unseen, unseenDone } from "./protection.ts";

type Attribute = {
  readonly attribute: Input<"ec2:DescribeInstanceAttribute">["Attribute"];
  /** In words: "termination protection". */
  readonly what: string;
  readonly wanted: string;
  readonly read: (answer: Output<"ec2:DescribeInstanceAttribute">) => string | undefined;
  readonly write: (value: string) => Omit<Input<"ec2:ModifyInstanceAttribute">, "InstanceId">;
};

export const terminationProtection: Protection = attributeProtection({
  attribute: "disableApiTermination",
  what: "termination protection",
  wanted: "true",
  read: ({ DisableApiTermination: flag }) => flag?.Value?.toString(),
  write: (value) => ({ DisableApiTermination: { Value: value === "true" } }),
});

export const stopProtection: Protection = attributeProtection({
  attribute: "disableApiStop",
  what: "stop protection",
  wanted: "true",
  read: ({ DisableApiStop: flag }) => flag?.Value?.toString(),
  write: (value) => ({ DisableApiStop: { Value: value === "true" } }),
});

export const shutdownBehaviour: Protection = attributeProtection({
  attribute: "instanceInitiatedShutdownBehavior",
  what: "shutdown behaviour",
  wanted: "stop",
  read: ({ InstanceInitiatedShutdownBehavior: behaviour }) => behaviour?.Value,
  write: (value) => ({ InstanceInitiatedShutdownBehavior: { Value: value } }),
});

type Seen = { readonly kind: "value"; readonly value: string; readonly requestId: string } | Refused;

function attributeProtection({ attribute, what, wanted, read, write }: Attribute): Protection {
  const known = lastRead<Seen>();

  async function look(aws: Aws, signal: AbortSignal): Promise<Seen> {
    const input = { InstanceId: aws.instance.instance, Attribute: attribute };
    const answer = await aws.link.ask("source", null, "ec2:DescribeInstanceAttribute", input, signal);
    if (answer.kind === "refused") return answer;
    const value = read(answer.value);
    if (value === undefined) throw new HoldfastError("unexpected", `${aws.arn}: EC2 answered without a value of ${attribute}`);
    return { kind: "value", value, requestId: answer.requestId };
  }

  /** Asks for it and looks whether it is so. */
  async function set(aws: Aws, value: string, was: string, ids: readonly string[], signal: AbortSignal): Promise<Done> {
    const answer = await aws.link.ask("source", null, "ec2:ModifyInstanceAttribute", { InstanceId: aws.instance.instance, ...write(value) }, signal);
    if (answer.kind === "refused") return refusedDone(`${what} is still ${words(was)}`, answer, null, ids);
    const asked = withId(ids, answer.requestId);
    const now = await readBack(
      aws,
      () => look(aws, signal),
      (seen) => seen.kind === "value" && seen.value === value,
      signal,
    );
    const requestIds = withId(asked, now.requestId);
    if (now.kind === "refused")
      return {
        kind: "failed",
        detail: `${what}: EC2 accepted ${words(value)}, and it could not be read back: ${wordsOf(now)}`,
        result: null,
        requestIds,
      };
    if (now.value !== value)
      return { kind: "failed", detail: `${what}: EC2 accepted ${words(value)} and still shows ${words(now.value)}`, result: null, requestIds };
    return { kind: "done", detail: `${what} is ${words(value)}; it was ${words(was)}`, result: { value }, requestIds };
  }

  return {
    async before(aws, _step, signal) {
      const seen = await look(aws, signal);
      return seen.kind === "refused" ? unseen(seen) : known.keep({ value: seen.value }, seen);
    },
    async act(aws, step, before, signal) {
      const blind = unseenDone(before);
      if (blind !== null) return blind;
      const was = heldBefore(step, before);
      if (was === wanted) return { kind: "already", detail: `${what} was ${words(wanted)} before`, result: { value: was }, requestIds: [] };
      const now = known.take(before) ?? (await look(aws, signal));
      if (now.kind === "value" && now.value === wanted)
        return {
          kind: "done",
          detail: `${what} is ${words(wanted)}; it was ${words(was)} before. It was found so: an earlier attempt asked for it`,
          result: { value: wanted },
          requestIds: withId([], now.requestId),
        };
      return set(aws, wanted, was, withId([], now.requestId), signal);
    },
    async undo(aws, step, before, done, signal) {
      if (unseenDone(before) !== null || changedNothing(done)) return nothingToUndo(`${what} was not changed`);
      const was = heldBefore(step, before);
      if (was === wanted) return nothingToUndo(`${what} was ${words(wanted)} before and stays so`);
      const now = await look(aws, signal);
      if (now.kind === "refused") return refusedDone(`${what} was not put back`, now);
      const ids = withId([], now.requestId);
      if (now.value === was) return nothingToUndo(`${what} is ${words(was)} as before, by somebody else's hand or since it never was changed`, ids);
      if (now.value !== wanted)
        return nothingToUndo(`${what} is ${words(now.value)}, which is not ours: somebody changed it meanwhile, and it is left so`, ids);
      return set(aws, was, now.value, ids, signal);
    },
  };
}

function heldBefore(step: Step, before: Parameters<Protection["act"]>[2]): string {
  const { value } = fieldsOf(before);
  if (typeof value !== "string") throw badBefore(step);
  return value;
}

function words(value: string): string {
  return value === "true" ? "on" : value === "false" ? "off" : `"${value}"`;
}
