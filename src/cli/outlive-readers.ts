import { systemCode } from "../core/error.ts";

/**
 * Whoever reads our output may leave (`| head`, a closed terminal) or its disk be full: that must not end a running collection. A
 * reader that left has read enough. Any other loss of data on stdout is told on stderr and by `lost`; stderr's own has nowhere to go.
 */
export function outliveReaders(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): { lost(): Error | null } {
  let lost: Error | null = null;
  stderr.on("error", () => undefined);
  stdout.on("error", (error: Error) => {
    if (lost !== null || systemCode(error) === "EPIPE" || systemCode(error) === "ERR_STREAM_DESTROYED") return;
    lost = error;
    stderr.write(`holdfast: what was to be printed could not be written: ${error.message}; the acts themselves are in the ledger\n`);
  });
  return { lost: () => lost };
}
