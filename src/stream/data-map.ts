import type { Extent } from "../core/outcome.ts";
import type { RangeSource } from "../core/source.ts";

/** Where a source has to be read. */
export type DataMap = {
  /** The next range at or behind `offset` that is not known to be zeros, or an empty one at the source's end. Asked with rising offsets. */
  dataFrom(offset: number, signal: AbortSignal): Promise<Extent>;
};

/** From the holes that a source knows beforehand, or from what it learns on the way. */
export function dataMap(source: RangeSource): DataMap {
  const { holes, size } = source;
  const end: Extent = { offset: size, length: 0 };
  let known: Extent = { offset: 0, length: 0 };
  let hole = 0;

  async function learn(offset: number, signal: AbortSignal): Promise<Extent> {
    const data = (await source.dataFrom?.(offset, signal)) ?? end;
    signal.throwIfAborted();
    return data;
  }

  function betweenHoles(offset: number): Extent {
    while (hole < holes.length && endOf(holes[hole] ?? end) <= offset) hole += 1;
    let from = offset;
    for (let next = hole; next < holes.length; next += 1) {
      const { offset: begin, length } = holes[next] ?? end;
      if (begin > from) return { offset: from, length: begin - from };
      from = begin + length;
    }
    return { offset: from, length: size - from };
  }

  return {
    async dataFrom(offset, signal) {
      // Everything between the offset last asked for and the range found was said to be zeros.
      if (offset >= endOf(known)) known = source.dataFrom === undefined ? betweenHoles(offset) : await learn(offset, signal);
      const from = Math.max(offset, known.offset);
      return { offset: from, length: endOf(known) - from };
    },
  };
}

function endOf({ offset, length }: Extent): number {
  return offset + length;
}
