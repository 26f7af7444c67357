/**
 * Copies source[from, to) to `at` in `into`. Node copies a whole array through TypedArray.set, which goes word by word where one
 * side is a SharedArrayBuffer, and a piece of one through memmove, which is several times faster (measured on Node 24): a whole
 * array is therefore copied as two pieces.
 */
export function copyBytes(source: Buffer, from: number, to: number, into: Buffer, at: number): void {
  const middle = from + ((to - from) >> 1);
  if (from > 0 || to < source.length || middle === from) source.copy(into, at, from, to);
  else {
    source.copy(into, at, from, middle);
    source.copy(into, at + middle - from, middle, to);
  }
}
