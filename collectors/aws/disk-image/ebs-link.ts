import { HoldfastError } from "../../../src/core/error.ts";
import { blockBytes, type EbsBlocks, type No, pageBlocks } from "./ebs-blocks.ts";
import type { Answer, AskOptions, AwsLink, Output, Scope } from "../client/link.ts";

/** The blocks of a snapshot in this scope's account. `region` null is the target's. */
export function linkBlocks(link: AwsLink, scope: Scope, region: string | null, snapshot: string): EbsBlocks {
  return {
    async list(from, signal) {
      const where = from.kind === "token" ? { NextToken: from.token } : { StartingBlockIndex: from.index };
      const answer = await throttledAtOnce<Output<"ebs:ListSnapshotBlocks">>((options) =>
        link.ask(scope, region, "ebs:ListSnapshotBlocks", { SnapshotId: snapshot, MaxResults: pageBlocks, ...where }, signal, options),
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
    async get({ index, token }, room, signal) {
      const input = { SnapshotId: snapshot, BlockIndex: index, BlockToken: token };
      const answer = await throttledAtOnce<{ readonly output: Output<"ebs:GetSnapshotBlock">; readonly bytes: Uint8Array }>((options) =>
        link.askBytes(scope, region, "ebs:GetSnapshotBlock", input, 2 * blockBytes, signal, { ...options, room, patience: 5 }),
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

type Throttled = Extract<No, { readonly kind: "throttled" }>;

/** The budgets pace and ask again, not the link. */
async function throttledAtOnce<T>(ask: (options: Pick<AskOptions<T>, "throttled" | "throttledTries">) => Promise<Answer<T>>): Promise<Answer<T> | Throttled> {
  let no: Throttled | null = null;
  try {
    return await ask({
      throttledTries: 1,
      throttled: (_, reason) => {
        no = { kind: "throttled", limit: reason === "RESOURCE_LEVEL_THROTTLE" ? "snapshot" : reason === "ACCOUNT_THROTTLED" ? "account" : null };
      },
    });
  } catch (error) {
    if (no !== null && error instanceof HoldfastError && error.code === "unreachable") return no;
    throw error;
  }
}

function noOf(no: Exclude<Answer<unknown>, { readonly kind: "answer" }> | Throttled): No {
  if (no.kind === "throttled") return no;
  const text = `${no.code}: ${no.text} (request ${no.requestId})`;
  if (no.trouble === "invalid") return { kind: "invalid", text };
  return { kind: "refused", outcome: no.trouble === "denied" ? "denied" : "unavailable", text };
}
