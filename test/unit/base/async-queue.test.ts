import assert from "node:assert/strict";
import { test } from "node:test";
import { AsyncQueue } from "../../../src/base/async-queue.js";

/** A queue that notes what its reader does. */
function noted() {
  const notes: string[] = [];
  const queue = new AsyncQueue<number>({ onTaken: () => notes.push("taken"), onLeft: () => notes.push("left") });
  return { notes, queue };
}

async function all(queue: AsyncQueue<number>): Promise<number[]> {
  const items: number[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

test("a reader gets items in their order, those that were there and those that come", async () => {
  const { notes, queue } = noted();
  queue.push(1);
  queue.push(2);
  const reading = all(queue);
  await new Promise((resolve) => setImmediate(resolve));
  queue.push(3);
  queue.end();
  assert.deepEqual(await reading, [1, 2, 3]);
  assert.deepEqual(notes, ["taken", "taken", "taken"]);
});

test("an error comes behind the items that came before it", async () => {
  const { queue } = noted();
  queue.push(1);
  queue.fail(new Error("broken"));
  queue.push(2);
  assert.deepEqual(await queue.next(), { done: false, value: 1 });
  await assert.rejects(queue.next(), /broken/);
  assert.equal((await queue.next()).done, true);
});

test("a reader that leaves before the last item is noticed, once", async () => {
  const { notes, queue } = noted();
  queue.push(1);
  queue.push(2);
  queue.end();
  for await (const _ of queue) break;
  await queue.return();
  assert.deepEqual(notes, ["taken", "left"]);
  assert.equal(queue.length, 0);
});

test("a reader that leaves after the last item has lost nothing", async () => {
  const { notes, queue } = noted();
  queue.push(1);
  queue.end();
  await queue.next();
  await queue.return();
  assert.deepEqual(notes, ["taken"]);
});

test("a reader that waits hears of the end of a closed queue, and gets no more items", async () => {
  const { notes, queue } = noted();
  const reading = all(queue);
  queue.push(1);
  queue.close();
  assert.deepEqual(await reading, []);
  assert.deepEqual(notes, []);
});

test("the newest item is replaced in its place", async () => {
  const { queue } = noted();
  for (const item of [1, 2]) queue.push(item);
  queue.replaceNewest(3);
  assert.deepEqual([queue.length, queue.newest], [2, 3]);
  queue.end();
  assert.deepEqual(await all(queue), [1, 3]);
});
