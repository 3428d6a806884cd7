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
