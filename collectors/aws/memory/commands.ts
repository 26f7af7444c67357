import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import type { Answer, Output } from "../client/link.ts";
import { type CommandEnd, commandEnd } from "./command-end.ts";
import { allPages } from "../client/pages.ts";
import { type Refused, wordsOf } from "../client/refused.ts";

/** A script for the instance's agent. `comment` makes it findable after a lost answer: unique to the collection and the command. */
export type GuestOrder = {
  readonly document: "AWS-RunShellScript" | "AWS-RunPowerShellScript";
  readonly script: string;
  readonly comment: string;
  /** Seconds until the agent ends it; 172,800 at most. */
  readonly seconds: number;
};

export type Sent = { readonly kind: "sent"; readonly id: string; readonly requestIds: readonly string[] } | Refused;

/** Seconds until a command that no agent picked up is given up by the service; 30 at least. */
const deliverySeconds = 300;

/** Sends once: where the answer was lost, the command is looked for by its comment before it is sent again. */
export async function sendOrder(aws: Aws, order: GuestOrder, signal: AbortSignal): Promise<Sent> {
  const answer = await aws.link.ask(
    "source",
    null,
    "ssm:SendCommand",
    {
      InstanceIds: [aws.instance.instance],
      DocumentName: order.document,
      Comment: order.comment,
      TimeoutSeconds: deliverySeconds,
      Parameters: { commands: [order.script], executionTimeout: [String(order.seconds)] },
    },
    signal,
    { settle: async () => settled(order, await findOrder(aws, order.comment, 4, signal)) },
  );
  if (answer.kind === "refused") return answer;
  const id = answer.value.Command?.CommandId;
  if (id === undefined) throw new HoldfastError("unexpected", `ssm:SendCommand (request ${answer.requestId}) was accepted without a command id`);
  return { kind: "sent", id, requestIds: [answer.requestId] };
}

export type Found = { readonly kind: "found"; readonly id: string | null; readonly requestIds: readonly string[] } | Refused;

/** A command of ours by its comment, the first of them; looked for `tries` times, since a list may lag behind. */
export async function findOrder(aws: Aws, comment: string, tries: number, signal: AbortSignal): Promise<Found> {
  // The list goes back 30 days, and a fleet's patching fills it. A day covers every clock.
  const after = `${new Date(aws.clock().getTime() - 86_400_000).toISOString().slice(0, 19)}Z`;
  const asked = { InstanceId: aws.instance.instance, Filters: [{ key: "InvokedAfter" as const, value: after }], MaxResults: 50 };
  const requestIds: string[] = [];
  for (let attempt = 1; ; attempt++) {
    const read = await allPages("ssm:ListCommands", (from) => aws.link.ask("source", null, "ssm:ListCommands", { ...asked, ...from }, signal));
    if (read.kind === "refused") return read;
    requestIds.push(...read.requestIds);
    const own = read.pages.flatMap(({ Commands = [] }) =>
      Commands.flatMap(({ CommandId: id, Comment, RequestedDateTime }) =>
        id === undefined || Comment !== comment ? [] : [{ id, at: RequestedDateTime?.getTime() ?? 0 }],
      ),
    );
    const [first] = own.sort((a, b) => a.at - b.at);
    if (first !== undefined || attempt >= tries) return { kind: "found", id: first?.id ?? null, requestIds };
    await aws.sleep(2000, signal);
  }
}

/** After a lost answer: a list that may not be seen says nothing, and sending again could start it twice. */
function settled(order: GuestOrder, found: Found): Answer<Output<"ssm:SendCommand">> | null {
  if (found.kind === "refused")
    throw new HoldfastError(
      "unreachable",
      `ssm:SendCommand (${order.comment}): its answer was lost, and what became of it may not be looked at (${wordsOf(found)})`,
    );
  if (found.id === null) return null;
  return { kind: "answer", value: { $metadata: {}, Command: { CommandId: found.id } }, requestId: found.requestIds.at(-1) ?? "", date: null, wire: null };
}

/** How a command stands. `unborn`: SSM does not know it for this instance yet, which is usual in the first seconds. */
export type Seen =
  | { readonly kind: "unborn" }
  | { readonly kind: "open"; readonly running: boolean }
  | { readonly kind: "ended"; readonly end: CommandEnd; readonly requestId: string }
  | Refused;

export async function lookAtOrder(aws: Aws, id: string, signal: AbortSignal): Promise<Seen> {
  const answer = await aws.link.ask("source", null, "ssm:GetCommandInvocation", { CommandId: id, InstanceId: aws.instance.instance }, signal);
  if (answer.kind === "refused") return answer.code === "InvocationDoesNotExist" ? { kind: "unborn" } : answer;
  const end = commandEnd(answer.value);
  return end === null
    ? { kind: "open", running: answer.value.Status !== "Pending" && answer.value.Status !== "Delayed" }
    : { kind: "ended", end, requestId: answer.requestId };
}

/** Milliseconds that a command may be unknown to SSM. */
export const unbornMs = 60_000;

/** Waits for a short command. Where it does not end in time it is cancelled. */
export async function endOfOrder(aws: Aws, id: string, seconds: number, signal: AbortSignal): Promise<CommandEnd> {
  const since = aws.clock().getTime();
  for (let pause = 500; ; pause = Math.min(5000, pause * 1.5)) {
    await aws.sleep(pause, signal);
    const seen = await lookAtOrder(aws, id, signal);
    if (seen.kind === "ended") return seen.end;
    if (seen.kind === "refused") return { kind: "broken", how: "unseen", text: `how command ${id} ended may not be seen (${wordsOf(seen)})`, stdout: "" };
    const waited = aws.clock().getTime() - since;
    if (seen.kind === "unborn" && waited > unbornMs) return neverSeen(id);
    if (waited <= (seconds + deliverySeconds) * 1000) continue;
    await cancelOrder(aws, id, signal);
    return { kind: "broken", how: "timed-out", text: `command ${id} did not end in ${seconds + deliverySeconds} s and was cancelled`, stdout: "" };
  }
}

export function neverSeen(id: string): CommandEnd {
  return { kind: "broken", how: "unseen", text: `SSM accepted command ${id} and still does not know it after ${unbornMs / 1000} s`, stdout: "" };
}

/** Says yes to a command that has ended, too. Gives the refusal, or null. */
export async function cancelOrder(aws: Aws, id: string, signal: AbortSignal): Promise<{ readonly requestId: string; readonly refused: Refused | null }> {
  const answer = await aws.link.ask("source", null, "ssm:CancelCommand", { CommandId: id, InstanceIds: [aws.instance.instance] }, signal);
  return { requestId: answer.requestId, refused: answer.kind === "refused" ? answer : null };
}
