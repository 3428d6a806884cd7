import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { WorkerHost, type WorkerLimits } from "../../src/base/worker-host.js";
import { type AnswerShape, answerGrammar } from "../../src/chat/grammar/answer.js";
import { GrammarThread } from "../../src/chat/grammar/grammar-thread.js";
import { temporaryFolder } from "../helpers/folder.js";
import { root } from "../helpers/shared.js";

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

// A thread has no loader for TypeScript.
const grammarScript = pathToFileURL(path.join(root, "dist", "chat", "grammar", "grammar-worker.js"));
const skip = existsSync(grammarScript) ? false : "`npm run build` makes the thread's script";
const shape = (schema: unknown): AnswerShape => ({
  ...{ tools: [], family: null, several: true, begun: null, reasoning: null, inReasoning: false, specialTokens: [] },
  format: { type: "json_schema", schema, strict: true },
});
const usual = { timeMs: 60_000, heapMebibytes: 64, idleMs: 60_000 };

test("a schema is compiled on another thread to the same grammar, and its faults keep their names", {
  skip,
}, async (t) => {
  const thread = new GrammarThread(grammarScript, usual);
  t.after(() => thread.close());
  const good = shape({ type: "object", properties: { a: { type: "string", pattern: "^a+$" } } });
  assert.equal(await thread.compile(good), answerGrammar(good));
  await assert.rejects(thread.compile(shape({ type: "nope" })), { code: "SCHEMA_UNSUPPORTED", param: "schema" });
  const nested = Array(5000)
    .fill(0)
    .reduce((inner) => ({ items: inner }), {});
  await assert.rejects(thread.compile(shape(nested)), { code: "REQUEST_INVALID" });
});

test("a schema that would take for ever, or all memory, is refused within its limits", { skip }, async (t) => {
  const different = shape({
    type: "array",
    uniqueItems: true,
    items: { enum: Array.from({ length: 9e4 }, (_, i) => i) },
  });
  const slow = new GrammarThread(grammarScript, { ...usual, timeMs: 300 });
  t.after(() => slow.close());
  await assert.rejects(slow.compile(different), { code: "GRAMMAR_TOO_COMPLEX", message: /0\.3 seconds/ });
  const small = new GrammarThread(grammarScript, { ...usual, heapMebibytes: 16 });
  t.after(() => small.close());
  const long = shape({ type: "string", pattern: ".".repeat(250_000) });
  await assert.rejects(small.compile(long), { code: "GRAMMAR_TOO_COMPLEX", message: /memory/ });
});
