import { printable } from "../../../src/core/printable.ts";
import type { Output } from "../client/link.ts";

/**
 * How a command ended. `exited`: the script ran to an exit status and had its say. `broken`: it did not begin, or was ended from
 * outside; `stdout` is what is known of its words.
 */
export type CommandEnd =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | {
      readonly kind: "broken";
      readonly how: "undelivered" | "timed-out" | "cancelled" | "failed" | "unseen" | "stopped";
      readonly text: string;
      readonly stdout: string;
    };

/** Null while it goes on (SSM, "Understanding command statuses"). */
export function commandEnd(answer: Output<"ssm:GetCommandInvocation">): CommandEnd | null {
  const { Status, StatusDetails = "", ResponseCode = -1, StandardOutputContent: stdout = "", StandardErrorContent: stderr = "" } = answer;
  const said = printable(stderr.slice(0, 300)).trim();
  const broken = (how: Extract<CommandEnd, { readonly kind: "broken" }>["how"], text: string): CommandEnd => ({
    kind: "broken",
    how,
    text: `${text}${said === "" ? "" : ` (${said})`}`,
    stdout,
  });
  switch (Status) {
    case "Success":
      return { kind: "exited", code: ResponseCode, stdout, stderr };
    case "Failed":
      if (ResponseCode >= 0 && !["Undeliverable", "Terminated"].includes(StatusDetails)) return { kind: "exited", code: ResponseCode, stdout, stderr };
      return broken(StatusDetails === "Undeliverable" ? "undelivered" : "failed", `SSM could not carry the command out: ${printable(StatusDetails)}`);
    case "TimedOut":
      return /delivery/i.test(StatusDetails)
        ? broken("undelivered", "the agent did not pick the command up in time")
        : broken("timed-out", "the command took longer than it may, and the agent ended it");
    case "Cancelled":
      return broken("cancelled", "the command was cancelled");
    case "Pending":
    case "InProgress":
    case "Delayed":
    case "Cancelling":
    case undefined:
      return null;
    default:
      return Status satisfies never;
  }
}
