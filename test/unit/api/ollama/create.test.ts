import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256, startWithFile } from "../../../helpers/made-models.js";
import type { Event, TestServer } from "../../../helpers/server.js";

/** The prompts that an engine read since the last look, as text. */
function prompts(server: TestServer): string {
  const plans = server.module.engines.flatMap((engine) => engine.plans.splice(0));
  const tokens = plans.flatMap(({ chunks }) => chunks.flatMap((chunk) => [...chunk.tokens]));
  return Buffer.from(tokens.filter((token) => token < 256)).toString();
}

test("create makes a name that asks with its own system message, turns, template and parameters", async (t) => {
  const server = await startWithFile(t);
  const made = await server.create({
    model: "mario",
    from: "fake:latest",
    system: "You are Mario.",
    messages: [
      { role: "user", content: "Who?" },
      { role: "assistant", content: "Me." },
    ],
    parameters: { temperature: 0, num_predict: 2, stop: ["x"] },
  });
  assert.deepEqual([made.status, made.error], ["success", undefined]);
  const ask = { model: "mario", stream: false, messages: [{ role: "user", content: "Hi" }] };
  const answer = (await (await server.post("/api/chat", ask)).json()) as Event;
  assert.deepEqual([answer.model, answer.message.content, answer.done_reason], ["mario", "Ye", "length"]);
  assert.match(prompts(server), /system:You are Mario\.user:Who\?assistant:Me\.user:Hiassistant:/);
  const own = [{ role: "system", content: "Other." }, ...ask.messages];
  await server.post("/v1/chat/completions", { model: "mario:latest", messages: own });
  assert.match(prompts(server), /Other\./);
  const other = { model: "shout", from: "mario", template: "{{ messages[-1].content | upper }}!" };
  assert.equal((await server.create(other)).status, "success");
  await server.post("/api/chat", { ...ask, model: "shout", messages: [{ role: "user", content: "loud" }] });
  assert.match(prompts(server), /LOUD!/);
  assert.equal(server.module.engines.length, 1, "all are one loaded model");
});

test("create streams what it does, and its last line is success", async (t) => {
  const server = await startWithFile(t);
  const text = await (await server.post("/api/create", { model: "a", from: "fake" })).text();
  const statuses = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).status);
  assert.deepEqual(statuses.slice(1), ["writing manifest", "success"]);
  assert.equal(statuses[0], `using existing layer sha256:${sha256("weights")}`);
});

test("create refuses by name what it cannot do", async (t) => {
  const server = await startWithFile(t);
  for (const [body, words] of [
    [{ model: "a" }, /from: is missing/],
    [{ model: "../a", from: "fake" }, /is no model name/],
    [{ model: "fake", from: "fake" }, /There is a model "fake" already/],
    [{ model: "a", from: "fake", template: "{{ .Prompt }}" }, /Go's language/],
    [{ model: "a", from: "fake", template: "{% if %}" }, /cannot be parsed/],
    [{ model: "a", from: "fake", parameters: { warmth: 1 } }, /"warmth" is no parameter/],
    [{ model: "a", from: "fake", parameters: { temperature: 99 } }, /parameters\.temperature/],
    [{ model: "a", from: "fake", adapters: { x: "y" } }, /does not support adapters/],
    [{ model: "a", files: { "a.gguf": `sha256:${"0".repeat(64)}` } }, /was not sent/],
    [{ model: "a", files: { "a.gguf": "../../etc/passwd" } }, /is not sha256:/],
    [{ model: "a", files: { "a.safetensors": `sha256:${"0".repeat(64)}` } }, /other than GGUF/],
  ] as const) {
    const { error } = await server.create(body);
    assert.match(String(error), words, JSON.stringify(body));
  }
  assert.equal((await server.tags()).length, 1);
});
