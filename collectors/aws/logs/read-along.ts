/** Lets a second reader see what the first one takes. The second may end early; it never holds the first one up then. */
export function readAlong<T>(
  source: AsyncIterable<Uint8Array>,
  second: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
  seen: (result: T) => void,
): AsyncIterable<Uint8Array> {
  return along();

  async function* along(): AsyncGenerator<Uint8Array> {
    let offered: { readonly chunk: Uint8Array | null } | null = null;
    let given = Promise.withResolvers<void>();
    let taken = Promise.withResolvers<void>();
    let [ended, over] = [false, false];
    async function* copy(): AsyncGenerator<Uint8Array> {
      for (;;) {
        await given.promise;
        const chunk = offered?.chunk ?? null;
        if (chunk === null) return;
        given = Promise.withResolvers();
        yield chunk;
        taken.resolve(); // asked for more: this one is used up
      }
    }
    const result = second(copy()).finally(() => {
      over = true;
      taken.resolve();
    });
    result.catch(() => undefined); // thrown below
    try {
      for await (const chunk of source) {
        if (!over) {
          taken = Promise.withResolvers();
          offered = { chunk };
          given.resolve();
          await taken.promise;
        }
        yield chunk;
      }
      ended = true;
    } finally {
      offered = null;
      given.resolve();
      const found = await result;
      if (ended) seen(found);
    }
  }
}
