import assert from "node:assert/strict";
import { type ErrorCode, HearthError } from "../../../src/base/errors.js";
import { outcome, type Rig, request, until } from "../../helpers/scheduler.js";

export const hasCode = (error: unknown, code: ErrorCode) => error instanceof HearthError && error.code === code;

/** Nothing runs, nothing waits, and every sequence can be had again. */
export async function assertAtRest({ scheduler, engine }: Rig): Promise<void> {
  await until(() => !scheduler.progress().busy);
  assert.equal(scheduler.busySlots, 0);
  assert.equal(scheduler.queueLength, 0);
  assert.ok(engine.openSequences <= engine.options.maxSequences);
  const again = await Promise.all(
    Array.from({ length: engine.options.maxSequences }, (_, i) => outcome(scheduler.submit(request(`again ${i}`)))),
  );
  for (const { error, tokens } of again) {
    assert.equal(error, null);
    assert.equal(tokens.length, 8);
  }
}
