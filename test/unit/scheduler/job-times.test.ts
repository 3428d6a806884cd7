import assert from "node:assert/strict";
import test from "node:test";
import type { Metrics } from "../../../src/base/metrics.js";
import { outcome, request, startScheduler, until } from "../../helpers/scheduler.js";

/** The value of a metric with these labels, as it is rendered. */
async function value(metrics: Metrics, name: string): Promise<number> {
  const line = (await metrics.render()).split("\n").find((each) => each.startsWith(`${name} `));
  assert.ok(line !== undefined, `no ${name}`);
  return Number(line.slice(name.length + 1));
}

test("how long requests wait, read, and take for each token is counted, by the clock", async () => {
  const { scheduler, engine, clock, metrics } = await startScheduler({ manual: true }, { maxSequences: 1 });
  const running = outcome(scheduler.submit(request("one", { maxTokens: 3 })));
  const waiting = outcome(scheduler.submit(request("two", { maxTokens: 1 })));
  await until(() => scheduler.busySlots === 1);
  for (const ms of [2000, 100, 300]) {
    await clock.advance(ms);
    await engine.release();
    await until(() => engine.held);
  }
  await running;
  await clock.advance(50);
  await engine.release();
  await waiting;
  const sums = {
    hearth_queue_seconds: 2.4,
    hearth_prefill_seconds: 2.05,
    hearth_time_to_first_token_seconds: 4.45,
    hearth_inter_token_seconds: 0.4,
    hearth_decode_seconds: 0.4,
  };
  for (const [name, sum] of Object.entries(sums)) {
    assert.ok(
      Math.abs((await value(metrics, `${name}_sum`)) - sum) < 1e-9,
      `${name} ${await value(metrics, `${name}_sum`)}`,
    );
    assert.equal(await value(metrics, `${name}_count`), 2, name);
  }
});
