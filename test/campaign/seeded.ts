/** Numbers that follow from a seed (mulberry32), so that a campaign that fails can be run again. Not for keys of anything real. */
export type Seeded = {
  /** 0 to below - 1. */
  int(below: number): number;
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Buffer;
  /** 1 to at most `most`, every order of magnitude as likely as another. */
  size(most: number): number;
};

export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    pick(list) {
      const chosen = list[int(list.length)];
      if (chosen === undefined) throw new RangeError("nothing to pick from");
      return chosen;
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => int(256))),
    size: (most) => Math.min(most, Math.max(1, Math.round(Math.exp(next() * Math.log(most))))),
  };
}
