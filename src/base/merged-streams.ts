/** Several streams as one. */

/** The items of all generators as they come, each with its generator's index. Leaving the loop, or an error, ends them all. */
export async function* merge<T>(generators: readonly AsyncGenerator<T>[]): AsyncGenerator<{ index: number; item: T }> {
  const waiting = new Map<number, Promise<{ index: number; result: IteratorResult<T> }>>();
  const ask = (index: number, generator: AsyncGenerator<T>) =>
    waiting.set(
      index,
      generator.next().then((result) => ({ index, result })),
    );
  try {
    generators.forEach((generator, index) => {
      ask(index, generator);
    });
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      waiting.delete(index);
      if (result.done) continue;
      yield { index, item: result.value };
      const generator = generators[index];
      if (generator) ask(index, generator);
    }
  } finally {
    for (const promise of waiting.values()) promise.catch(() => {});
    for (const generator of generators) void generator.return(undefined).catch(() => {});
  }
}
