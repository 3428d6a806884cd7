import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { type AnswerShape, answerGrammar } from "../../../../src/chat/grammar/answer.js";
import { GrammarThread } from "../../../../src/chat/grammar/grammar-thread.js";
import { root } from "../../../helpers/shared.js";

const _script = `
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
