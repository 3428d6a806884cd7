import assert from "node:assert/strict";
import test from "node:test";
import { anybody, type Priority } from "../../src/base/demand.js";
import { HearthError } from "../../src/base/errors.js";
import { FairQueue, type Waiting } from "../../src/scheduler/fair-queue.js";
import { outcome, request, startScheduler, until } from "../helpers/scheduler.js";

interface Job extends Waiting {
  readonly name: string;
}

const job = (name: string, client: string, tokens = 100, priority: Priority = "default"): Job => ({
  name,
  request: { prompt: { length: tokens }, maxTokens: 0, demand: { client, priority, maxQueueMs: null } },
});
const names = (queue: FairQueue<Job>) => [...queue].map(({ name }) => name).join(" ");

function queueOf(...jobs: readonly Job[]): FairQueue<Job> {
  const queue = new FairQueue<Job>();
  for (const each of jobs) queue.push(each);
  return queue;
}

test("of one client the first is first", () => {
  assert.equal(names(queueOf(job("a1", "a"), job("a2", "a"), job("a3", "a", 1))), "a1 a2 a3");
});

test("clients take turns, however many requests one of them has", () => {
  const jobs = [
    job("a1", "a"),
    job("a2", "a"),
    job("a3", "a"),
    job("a4", "a"),
    job("b1", "b"),
    job("c1", "c"),
    job("b2", "b"),
  ];
  assert.equal(names(queueOf(...jobs)), "a1 b1 c1 a2 b2 a3 a4");
});

test("a short request passes the long ones of others, and is not passed by those who come later for ever", () => {
  const queue = queueOf(job("long1", "a", 3000), job("long2", "b", 3000), job("short", "c", 20));
  assert.equal(names(queue), "short long1 long2");
  const steady = queueOf(job("long", "a", 3000));
  // One short request after the other: each is taken as soon as it is first.
  const taken: string[] = [];
  for (let i = 0; taken.at(-1) !== "long" && i < 1000; i++) {
    steady.push(job(`s${i}`, "b", 100));
    const [first] = steady;
    assert.ok(first);
    steady.remove(first);
    taken.push(first.name);
  }
  assert.ok(taken.length <= 32, `the long one waited for ${taken.length - 1} short ones`);
});

test("the more urgent come first, and fairness holds among equals", () => {
  const jobs = [
    job("low", "a", 10, "low"),
    job("usual1", "a"),
    job("usual2", "a"),
    job("other", "b"),
    job("urgent", "c", 5000, "high"),
  ];
  assert.equal(names(queueOf(...jobs)), "urgent usual1 other usual2 low");
});

test("who has had much waits behind who has had nothing, and is forgiven in time", () => {
  const queue = queueOf(...Array.from({ length: 5 }, (_, i) => job(`a${i}`, "a")));
  for (const each of [...queue].slice(0, 4)) queue.remove(each);
  queue.push(job("a5", "a"));
  queue.push(job("b0", "b"));
  assert.equal(names(queue), "b0 a4 a5");
  for (const each of [...queue]) queue.remove(each);
  queue.push(job("a6", "a"));
  queue.push(job("b1", "b"));
  assert.equal(queue.length, 2);
});

test("a job that lost its slot comes before all others", () => {
  const queue = queueOf(job("a", "a"), job("urgent", "b", 1, "high"));
  const lost = job("lost", "c");
  queue.putBack(lost);
  assert.equal(names(queue), "lost urgent a");
  assert.ok(queue.remove(lost) && !queue.remove(lost));
  assert.deepEqual(
    queue.clear().map(({ name }) => name),
    ["urgent", "a"],
  );
  assert.equal(queue.length, 0);
});

test("thousands of clients leave no trace", () => {
  const queue = new FairQueue<Job>();
  for (let i = 0; i < 5000; i++) {
    const each = job("x", `client ${i}`, 10);
    queue.push(each);
    queue.remove(each);
  }
  const late = job("late", "late", 10);
  queue.push(late);
  assert.equal(names(queue), "late");
});

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

test("a request that has waited as long as it may is told to come later; one that has a slot is not", async () => {
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
