/**
 * Where the writer is ended with SIGKILL, in the order in which they are passed: entries inserted, committed, head signed, head swapped,
 * the witness has cosigned (and nothing of it is kept), the cosignature is kept, the receipt is out.
 */
export const killPoints = ["inserted", "committed", "signed", "swapped", "cosigned", "anchored", "answered"] as const;
export type KillPoint = (typeof killPoints)[number];

export function isKillPoint(text: string): text is KillPoint {
  return killPoints.some((point) => point === text);
}
