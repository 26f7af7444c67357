import { HoldfastError } from "../../src/core/error.ts";
import { blockBytes, type EbsBlocks, type No } from "./ebs-blocks.ts";
import type { Answer, AskOptions, AwsLink, Output, Scope } from "./link.ts";

/** The blocks of a snapshot in this scope's account. `region` null is the target's. */
export function linkBlocks(link: AwsLink, scope: Scope, region: string | null, snapshot: string): EbsBlocks {
  return {
    async list(from, signal) {
      const where = from.kind === "token" ? { NextToken: from.token } : { StartingBlockIndex: from.index };
      const answer = await throttledAtLast<Output<"ebs:ListSnapshotBlocks">>((options) =>
        link.ask(scope, region, "ebs:ListSnapshotBlocks", { SnapshotId: snapshot, MaxResults: 10_000, ...where }, signal, options),
      );
      if (answer.kind !== "answer") return noOf(answer);
      const { Blocks, NextToken, VolumeSize, BlockSize } = answer.value;
      const blocks = (Blocks ?? []).map(({ BlockIndex, BlockToken }) => {
        if (BlockIndex === undefined || BlockToken === undefined)
          throw new HoldfastError("unexpected", `${snapshot}: the service lists a block without index or token`);
        return { index: BlockIndex, token: BlockToken };
      });
      return { kind: "page", blocks, nextToken: NextToken ?? null, volumeGiB: VolumeSize ?? null, blockSize: BlockSize ?? null };
    },
    async get({ index, token }, signal) {
      const input = { SnapshotId: snapshot, BlockIndex: index, BlockToken: token };
      const answer = await throttledAtLast<{ readonly output: Output<"ebs:GetSnapshotBlock">; readonly bytes: Uint8Array }>((options) =>
        link.askBytes(scope, region, "ebs:GetSnapshotBlock", input, 2 * blockBytes, signal, options),
      );
      if (answer.kind !== "answer") return noOf(answer);
      const { output, bytes } = answer.value;
      return {
        kind: "block",
        bytes,
        length: output.DataLength ?? null,
        checksum: output.Checksum ?? null,
        algorithm: output.ChecksumAlgorithm ?? null,
      };
    },
  };
}

type Throttled = { readonly kind: "throttled"; readonly limit: "account" | "snapshot" | null };

/** One question with one answer: the export's own budget decides when to ask again, and never gives up. */
async function throttledAtLast<T>(ask: (options: Pick<AskOptions<T>, "throttled" | "throttledTries">) => Promise<Answer<T>>): Promise<Answer<T> | Throttled> {
  let told: Throttled | null = null;
  try {
    return await ask({
      throttledTries: 1,
      throttled: (_, reason) => {
        told = { kind: "throttled", limit: reason === "ACCOUNT_THROTTLED" ? "account" : reason === "RESOURCE_LEVEL_THROTTLE" ? "snapshot" : null };
      },
    });
  } catch (error) {
    if (told !== null && error instanceof HoldfastError && error.code === "unreachable") return told;
    throw error;
  }
}

function noOf(no: Exclude<Answer<unknown>, { readonly kind: "answer" }> | Throttled): No {
  if (no.kind === "throttled") return no;
  const text = `${no.code}: ${no.text} (request ${no.requestId})`;
  if (no.trouble === "invalid") return { kind: "invalid", text };
  return { kind: "refused", outcome: no.trouble === "denied" ? "denied" : "unavailable", text };
}
