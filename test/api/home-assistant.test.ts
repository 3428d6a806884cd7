/** Requests of both of Home Assistant's integrations, in their order and with their fields, to a real daemon with Spark. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type ChatResponse, type Message, Ollama } from "ollama";
import OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { startDaemon, type TestDaemon } from "../helpers/daemon.js";
import { actionDone, homeInstructions, homeTools, spark, tenCommands } from "../helpers/home.js";

async function startHome(t: TestContext): Promise<TestDaemon> {
  const daemon = await startDaemon(t, { model: spark, args: ["--context", "8192", "--alias", "spark"] });
  await daemon.logged("the model is ready");
  return daemon;
}

const functions = homeTools().map((tool) => ({ type: "function" as const, function: tool }));

test("ollama: tags, then ten tool rounds in one conversation, streamed", async (t) => {
  const daemon = await startHome(t);
  const client = new Ollama({ host: daemon.url });
  const { models } = await client.list();
  const model = models[0]?.model ?? "";
  assert.equal(model, "spark:latest");
  const messages: Message[] = [{ role: "system", content: homeInstructions }];
  /** The chunks of one turn, put together as the integration does. */
  const turn = async () => {
    const stream = await client.chat({
      model,
      messages,
      tools: functions as never,
      stream: true,
      keep_alive: "300s",
      think: false,
      options: { num_ctx: 8192, temperature: 0 },
    });
    const answer: Message & { tool_calls: NonNullable<Message["tool_calls"]> } = {
      role: "assistant",
      content: "",
      tool_calls: [],
    };
    let last: ChatResponse | null = null;
    for await (const chunk of stream) {
      answer.content += chunk.message.content;
      if (chunk.message.tool_calls) {
        assert.equal(chunk.message.content, "", "calls have a chunk of their own");
        answer.tool_calls.push(...chunk.message.tool_calls);
      }
      last = chunk;
    }
    assert.ok(last?.done && last.done_reason === "stop" && last.prompt_eval_count > 0);
    messages.push(answer);
    return answer;
  };
  let calls = 0;
  for (const [text, tool, name] of tenCommands) {
    messages.push({ role: "user", content: text });
    const asked = await turn();
    for (const { function: called } of asked.tool_calls) {
      assert.equal(called.name, tool, text);
      assert.equal(called.arguments.name, name, text);
      messages.push({ role: "tool", content: actionDone(name), tool_name: called.name });
      calls++;
    }
    const spoken = await turn();
    assert.deepEqual(spoken.tool_calls, [], text);
    assert.ok(spoken.content.length > 0, text);
  }
  assert.equal(calls, 10);
  assert.equal(await daemon.metric("hearth_slots_busy"), 0);
});

test("16 first requests of both kinds at once all end, and the list of models is answered meanwhile", async (t) => {
  const daemon = await startHome(t);
  const ollama = new Ollama({ host: daemon.url });
  const openai = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: "none", maxRetries: 0 });
  const asked = Array.from({ length: 16 }, async (_, i) => {
    const [text = ""] = tenCommands[i % tenCommands.length] ?? [];
    const messages = [
      { role: "system" as const, content: `${homeInstructions}Number ${i}.` },
      { role: "user" as const, content: text },
    ];
    if (i % 2 === 0) {
      const answer = await ollama.chat({
        model: "spark",
        messages,
        tools: functions as never,
        options: { temperature: 0, num_predict: 100 },
      });
      return answer.done_reason;
    }
    const answer = await openai.chat.completions.create({
      model: "spark",
      messages,
      tools: functions,
      temperature: 0,
      max_tokens: 100,
    });
    return answer.choices[0]?.finish_reason;
  });
  let slowestMs = 0;
  const ended = Promise.all(asked);
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const began = performance.now();
    await ollama.list();
    slowestMs = Math.max(slowestMs, performance.now() - began);
  }
  t.diagnostic(`slowest list of models: ${slowestMs.toFixed(0)} ms`);
  assert.ok(slowestMs < 5000);
  for (const reason of await ended) assert.match(String(reason), /^(stop|tool_calls)$/);
});

test("llama_cpp: models, the probe with one tool, then ten tool rounds in one conversation", async (t) => {
  const daemon = await startHome(t);
  const client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: "none", maxRetries: 0 });
  const model = (await client.models.list()).data[0]?.id ?? "";
  assert.equal(model, "spark");
  const probe = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Hi" }],
    tools: [
      { type: "function", function: { name: "test", description: "", parameters: { type: "object", properties: {} } } },
    ],
    max_tokens: 3,
  });
  assert.ok(probe.usage && probe.usage.completion_tokens <= 3);
  const messages: ChatCompletionMessageParam[] = [{ role: "system", content: homeInstructions }];
  const turn = async () => {
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      tools: functions,
      max_tokens: 300,
      top_p: 1,
      temperature: 0,
      user: "01JCONVERSATION",
    });
    const choice = choices[0];
    assert.ok(choice);
    messages.push(choice.message);
    return choice;
  };
  let calls = 0;
  for (const [text, tool, name] of tenCommands) {
    messages.push({ role: "user", content: text });
    const asked = await turn();
    assert.equal(asked.finish_reason, "tool_calls", text);
    for (const call of asked.message.tool_calls ?? []) {
      assert.ok(call.type === "function");
      assert.equal(call.function.name, tool, text);
      assert.equal(JSON.parse(call.function.arguments).name, name, text);
      messages.push({ role: "tool", tool_call_id: call.id, content: actionDone(name) });
      calls++;
    }
    const spoken = await turn();
    assert.equal(spoken.finish_reason, "stop");
    assert.ok((spoken.message.content ?? "").length > 0, text);
  }
  assert.equal(calls, 10);
  // A task that wants data, as the AI Task platform asks for it.
  const schema = {
    type: "object",
    properties: { room: { type: "string" } },
    required: ["room"],
    additionalProperties: false,
  };
  const task = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Name a room." }],
    response_format: { type: "json_schema", json_schema: { name: "room", strict: true, schema } },
    max_tokens: 60,
  });
  if (task.choices[0]?.finish_reason === "stop") {
    assert.equal(typeof JSON.parse(task.choices[0].message.content ?? "").room, "string");
  }
  // Home Assistant's selectors become these: a number with steps, a choice of several, a time, an object of anything.
  const selectors = {
    type: "object",
    properties: {
      temperature: { type: "number", minimum: 5, maximum: 30, multipleOf: 0.5 },
      percentage: { type: "integer", minimum: 0, maximum: 100, multipleOf: 10 },
      days: { type: "array", items: { type: "string", enum: ["mon", "tue", "wed"] }, uniqueItems: true },
      start: { type: "string", format: "time" },
      on: { anyOf: [{ type: "boolean" }, { type: "null" }] },
    },
    required: ["temperature", "percentage", "days", "start", "on"],
    additionalProperties: false,
  };
  const plan = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Plan the heating." }],
    response_format: { type: "json_schema", json_schema: { name: "plan", strict: true, schema: selectors } },
    max_tokens: 200,
  });
  assert.equal(plan.choices[0]?.finish_reason, "stop");
  const ajv = new Ajv2020();
  formats.default(ajv);
  assert.ok(ajv.validate(selectors, JSON.parse(plan.choices[0]?.message.content ?? "")), ajv.errorsText());
  await assert.rejects(
    client.chat.completions.create({ model: "other", messages: [{ role: "user", content: "Hi" }] }),
    (error) => error instanceof OpenAI.NotFoundError && /other/.test(error.message),
  );
});
