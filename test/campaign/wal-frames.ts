const HEADER = 32;
const FRAME_HEADER = 24;

/** Where each commit of a WAL file ends (sqlite.org/fileformat2.html §4.1): offsets of the bytes after its last frame, in order. */
export function walFrames(wal: Buffer): readonly number[] {
  if (wal.length < HEADER) return [];
  const pageSize = wal.readUInt32BE(8);
  const salts = wal.subarray(16, 24);
  const ends: number[] = [];
  for (let at = HEADER; at + FRAME_HEADER + pageSize <= wal.length; at += FRAME_HEADER + pageSize) {
    if (!wal.subarray(at + 8, at + 16).equals(salts)) break; // left over from before the WAL began anew
    if (wal.readUInt32BE(at + 4) !== 0) ends.push(at + FRAME_HEADER + pageSize);
  }
  return ends;
}
