/**
 * Opens what comes next while the one before is still read, at most `width` at a time, and gives it in order: a log has thousands
 * of small objects, and one round trip each, one after the other, would be most of the time. What was opened and not taken is
 * given to `drop`.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  width: number,
  open: (item: T) => Promise<R>,
  drop: (opened: R) => void,
): AsyncGenerator<R, void, undefined> {
  const waiting: Promise<R>[] = [];
  const source = items[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      while (!ended && waiting.length < width) {
        const next = await source.next();
        if (next.done === true) {
          ended = true;
          break;
        }
        const opening = open(next.value);
        opening.catch(() => undefined); // seen when its turn comes
        waiting.push(opening);
      }
      const first = waiting.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    for (const opening of waiting) opening.then(drop, () => undefined);
    await source.return?.();
  }
}
