/** Calls of the fake engine that are to fail. */
import { type ErrorCode, HearthError } from "../../src/base/errors.js";

/** The n-th call of a method (counted from when it was asked for, 1 is the next one) throws. */
export class Failures {
  #planned: { method: string; callsLeft: number; code: ErrorCode }[] = [];

  plan(method: string, nth: number, code: ErrorCode): void {
    this.#planned.push({ method, callsLeft: nth, code });
  }

  check(method: string): void {
    for (const failure of this.#planned) {
      if (failure.method === method) failure.callsLeft--;
    }
    const due = this.#planned.find((failure) => failure.callsLeft === 0);
    if (!due) return;
    this.#planned = this.#planned.filter((failure) => failure !== due);
    throw new HearthError(due.code, `${method} was told to fail.`);
  }
}
