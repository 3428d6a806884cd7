/** Small helpers around promises. They know nothing of what they wait for. */
import type { Clock } from "./clock.js";

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A promise that is settled from outside. */
export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** `"settled"` when the promise is done in time, with or without an error; `"late"` after `limitMs`. Never rejects. */
export function settlesWithin(promise: Promise<unknown>, limitMs: number, clock: Clock): Promise<"settled" | "late"> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve("late"));
    const settle = () => {
      cancel();
      resolve("settled");
    };
    promise.then(settle, settle);
  });
}

/** Results in the items' order, of at most `atOnce` calls at a time. After the first error no more are made. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  call: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await call(items[index] as T, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}
