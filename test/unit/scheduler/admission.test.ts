import assert from "node:assert/strict";
import test from "node:test";
import { anybody, type Priority } from "../../../src/base/demand.js";
import { HearthError } from "../../../src/base/errors.js";
import { outcome, request, startScheduler, until } from "../../helpers/scheduler.js";

test("in the scheduler: each client's place is told, and moves with the others", async () => {
  const rig = await startScheduler({ stepMs: () => 1 }, { maxSequences: 1 });
  const submit = (text: string, client: string, priority: Priority = "default") =>
    outcome(rig.scheduler.submit(request(text, { demand: { client, priority, maxQueueMs: null }, maxTokens: 2 })));
  const order: string[] = [];
  const jobs = [
    ["running", "a"],
    ["a2", "a"],
    ["a3", "a"],
    ["b1", "b"],
    ["c1", "c", "high"],
  ] as const;
  const outcomes = await Promise.all(
    jobs.map(async ([text, client, priority]) => {
      const result = await submit(text, client, priority);
      order.push(text);
      return result;
    }),
  );
  assert.deepEqual(order.slice(0, 2), ["running", "c1"]);
  assert.ok(order.indexOf("b1") < order.indexOf("a2"), order.join(" "));
  for (const { events } of outcomes.slice(1)) {
    const positions = events.flatMap((event) => (event.type === "queued" ? [event.position] : []));
    assert.equal(positions.at(-1), 1, "each was next before it ran");
  }
  assert.equal(rig.scheduler.queueLength, 0);
});

test("a request that has waited for a slot as long as it may is told to come later", async () => {
  const rig = await startScheduler({ manual: true }, { maxSequences: 1 }, { maxQueueMs: 10_000 });
  const running = rig.scheduler.submit(request("running", { maxTokens: 2 }));
  await until(() => rig.scheduler.busySlots === 1);
  const patient = outcome(rig.scheduler.submit(request("patient")));
  const hasty = outcome(rig.scheduler.submit(request("hasty", { demand: { ...anybody, maxQueueMs: 500 } })));
  const greedy = outcome(rig.scheduler.submit(request("greedy", { demand: { ...anybody, maxQueueMs: 99_999 } })));
  await rig.clock.advance(501);
  const { error } = await hasty;
  assert.ok(error instanceof HearthError && error.code === "QUEUE_TIMEOUT" && error.kind.retryable);
  assert.equal(rig.scheduler.queueLength, 2);
  await rig.clock.advance(10_000);
  for (const each of [await patient, await greedy]) {
    assert.ok(each.error instanceof HearthError && each.error.code === "QUEUE_TIMEOUT");
  }
  const last = outcome(running);
  let done = false;
  void last.finally(() => {
    done = true;
  });
  while (!done) {
    if (rig.engine.held) await rig.engine.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((await last).error, null);
});
