import assert from "node:assert/strict";
import test from "node:test";
import type { Priority } from "../../../src/base/demand.js";
import { FairQueue, type Waiting } from "../../../src/scheduler/fair-queue.js";

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
