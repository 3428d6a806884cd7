import assert from "node:assert/strict";
import test from "node:test";
import { outcome, request, startScheduler, until } from "../../helpers/scheduler.js";
import { assertAtRest, hasCode } from "./schedulers.js";

for (const phase of ["before it starts", "in the queue", "while its prompt is read", "in mid-answer"] as const) {
  test(`a request cancelled ${phase} leaks nothing`, async () => {
    const rig = await startScheduler({ stepMs: () => 1 }, { maxSequences: 1, maxBatchTokens: 8 });
    const controller = new AbortController();
    const { signal } = controller;
    if (phase === "before it starts") {
      controller.abort();
      assert.throws(
        () => rig.scheduler.submit(request("x", { signal })),
        (error) => hasCode(error, "REQUEST_CANCELLED"),
      );
    } else {
      const first = phase === "in the queue" ? outcome(rig.scheduler.submit(request("first"))) : null;
      const stream = rig.scheduler.submit(request("x".repeat(60), { signal, maxTokens: 100 }));
      const wanted = { "in the queue": "queued", "while its prompt is read": "prompt", "in mid-answer": "token" }[
        phase
      ];
      let error: unknown = null;
      try {
        for await (const event of stream) if (event.type === wanted) controller.abort();
      } catch (thrown) {
        error = thrown;
      }
      assert.ok(hasCode(error, "REQUEST_CANCELLED"), String(error));
      assert.equal((await first)?.error ?? null, null);
    }
    await assertAtRest(rig);
  });
}

test("a reader that leaves the loop cancels its request", async () => {
  const rig = await startScheduler({ stepMs: () => 1 });
  for await (const event of rig.scheduler.submit(request("Hi", { maxTokens: 400 }))) if (event.type === "token") break;
  await assertAtRest(rig);
});

test("a reader that never reads pauses its own stream only, and it goes on when it reads again", async () => {
  const rig = await startScheduler({}, {}, { maxUnreadTokens: 10 });
  const slow = rig.scheduler.submit(request("slow", { maxTokens: 50 }));
  const fast = await outcome(rig.scheduler.submit(request("fast", { maxTokens: 50 })));
  assert.equal(fast.tokens.length, 50);
  await until(() => !rig.scheduler.progress().busy);
  assert.equal(slow.length, 10);
  assert.equal(rig.scheduler.busySlots, 1);
  assert.equal((await outcome(slow)).tokens.length, 50);
  await assertAtRest(rig);
});
