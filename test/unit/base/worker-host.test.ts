import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { WorkerHost, type WorkerLimits } from "../../../src/base/worker-host.js";
import { temporaryFolder } from "../../helpers/folder.js";

type Order = "echo" | "loop" | "eat" | "throw" | "thread" | (() => void);

const script = `
import { parentPort, threadId } from "node:worker_threads";
parentPort.on("message", (order) => {
  if (order === "loop") for (;;);
  const kept = [];
  if (order === "eat") for (;;) kept.push(new Array(1e5).fill(kept.length));
  if (order === "throw") throw new Error("on purpose");
  parentPort.postMessage(order === "thread" ? threadId : order);
});
parentPort.postMessage("ready");
`;

function startHost(t: TestContext, limits: Partial<WorkerLimits> = {}): WorkerHost<Order, unknown> {
  const file = path.join(temporaryFolder(t), "script.mjs");
  writeFileSync(file, script);
  const host = new WorkerHost<Order, unknown>(pathToFileURL(file), {
    ...{ timeMs: 60_000, heapMebibytes: 64, idleMs: 60_000 },
    ...limits,
  });
  t.after(() => host.close());
  return host;
}

test("an order that takes too long fails alone, and this thread goes on meanwhile", async (t) => {
  const host = startHost(t, { timeMs: 300 });
  let turns = 0;
  const timer = setInterval(() => turns++, 5);
  const [before, slow, after] = await Promise.allSettled([host.run("echo"), host.run("loop"), host.run("echo")]);
  clearInterval(timer);
  assert.equal(before.status === "fulfilled" && before.value, "echo");
  assert.equal(slow.status === "rejected" && slow.reason.reason, "time");
  assert.equal(after.status === "fulfilled" && after.value, "echo");
  assert.ok(turns > 3, `${turns} turns`);
});

test("small orders go before large ones that wait, and equal ones in turn", async (t) => {
  const host = startHost(t);
  const done: string[] = [];
  const run = (name: string, size: number) => host.run("echo", { size }).then(() => done.push(name));
  await Promise.all([run("first", 9), run("large", 9), run("larger", 10), run("small", 1), run("other small", 1)]);
  assert.deepEqual(done, ["first", "small", "other small", "large", "larger"]);
});

test("an order that takes too much memory fails alone", async (t) => {
  const host = startHost(t, { heapMebibytes: 32 });
  const greedy = assert.rejects(host.run("eat"), { reason: "memory" });
  assert.equal(await host.run("echo"), "echo");
  await greedy;
});

test("an order that ends the thread, or cannot be sent, fails alone", async (t) => {
  const host = startHost(t);
  await assert.rejects(
    host.run(() => {}),
    { reason: "unsendable" },
  );
  await assert.rejects(host.run("throw"), { reason: "ended" });
  assert.equal(await host.run("echo"), "echo");
});

test("a thread that has rested ends, and the next order gets another", async (t) => {
  const host = startHost(t, { idleMs: 50 });
  const first = await host.run("thread");
  assert.equal(await host.run("thread"), first);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.notEqual(await host.run("thread"), first);
});

test("who waits when the host is closed is told so, and so is who comes later", async (t) => {
  const host = startHost(t);
  const waiting = [host.run("loop"), host.run("echo")].map((run) => assert.rejects(run, { reason: "closed" }));
  await host.close();
  await Promise.all(waiting);
  await assert.rejects(host.run("echo"), { reason: "closed" });
});
