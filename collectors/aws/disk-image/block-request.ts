import type { Clock } from "../../../src/core/ports.ts";
import type { BlockLines, Origin } from "./block-lines.ts";
import { signer } from "./block-signature.ts";
import type { PlainAnswer } from "./block-answer.ts";
import type { Keys } from "../client/session.ts";
import { noteHead, type Seen } from "../client/wire.ts";

/** GetSnapshotBlock, as the SDK's command has it. */
type BlockInput = { readonly SnapshotId: string; readonly BlockIndex: number; readonly BlockToken: string };

/** What the SDK's GetSnapshotBlock gives, with its bytes in place of a stream. */
type BlockOutput = { readonly DataLength?: number; readonly Checksum?: string; readonly ChecksumAlgorithm?: string; readonly BlockData: Uint8Array };

type BlockAsk = {
  readonly origin: Origin;
  readonly input: object;
  readonly keys: Keys;
  readonly room: () => Uint8Array;
  readonly signal: AbortSignal;
};

/** Asks for one block without the SDK, whose way through its own layers costs more than the block's bytes. Rejects as the SDK does. */
export function blockAsker(lines: BlockLines, region: string, clock: Clock): (ask: BlockAsk, seen: Seen) => Promise<BlockOutput> {
  const sign = signer(region, "ebs");
  return async ({ origin, input, keys, room, signal }, seen) => {
    const { SnapshotId, BlockIndex, BlockToken } = inputOf(input);
    const host = origin.port === null ? origin.hostname : `${origin.hostname}:${origin.port}`;
    const path = `/snapshots/${SnapshotId}/blocks/${BlockIndex}`;
    seen.sent = clock();
    const signed = sign({ host, path, query: { blockToken: BlockToken } }, keys, seen.sent);
    const answer = await lines.get(origin, { ...signed, headers: [...signed.headers, ["user-agent", "holdfast"]] }, room, signal);
    seen.received = clock();
    noteHead(seen, answer.headers, seen.received);
    return outputOf(answer);
  };
}

function inputOf(input: object): BlockInput {
  const { SnapshotId, BlockIndex, BlockToken } = input as Partial<BlockInput>; // Input<"ebs:GetSnapshotBlock">, checked here
  if (typeof SnapshotId !== "string" || !/^[\w-]+$/.test(SnapshotId) || typeof BlockIndex !== "number" || typeof BlockToken !== "string")
    throw new TypeError("ebs:GetSnapshotBlock needs a snapshot, a block and its token");
  return { SnapshotId, BlockIndex, BlockToken };
}

function outputOf({ status, headers, body }: PlainAnswer): BlockOutput {
  if (status !== 200) throw refusalOf(status, headers, body);
  const length = headers["x-amz-data-length"];
  const checksum = headers["x-amz-checksum"];
  const algorithm = headers["x-amz-checksum-algorithm"];
  return {
    BlockData: body,
    ...(length === undefined ? {} : { DataLength: Number(length) }),
    ...(checksum === undefined ? {} : { Checksum: checksum }),
    ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm }),
  };
}

/** REST JSON protocol (Smithy, "Operation error serialization"): the code stands in a header or in the body, perhaps with a namespace or an address. */
function refusalOf(status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): Error {
  let said: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    if (typeof value === "object" && value !== null) said = { ...value };
  } catch {
    // A proxy's page: the status says enough.
  }
  const text = (name: string): string | undefined => (typeof said[name] === "string" ? said[name] : undefined);
  const code = (headers["x-amzn-errortype"] ?? text("code") ?? text("__type") ?? "UnknownError").split(":")[0]?.replace(/^.*#/, "") ?? "";
  const error = new Error(text("message") ?? text("Message") ?? code);
  error.name = code;
  return Object.assign(error, { Reason: said["Reason"], $metadata: { httpStatusCode: status, requestId: headers["x-amzn-requestid"] } });
}
