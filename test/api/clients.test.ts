/** The npm clients `openai` and `ollama` against a real daemon with Spark, over everything that it speaks beside Responses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { startDaemon } from "../helpers/daemon.js";
import { spark } from "../helpers/home.js";

const question = [{ role: "user" as const, content: "Hello! Who are you?" }];

test("openai: chat completions, completions, embeddings, models", async (t) => {
  const daemon = await startDaemon(t, { model: spark, args: ["--alias", "spark"] });
  await daemon.logged("the model is ready");
  const client = new OpenAI({ baseURL: `${daemon.url}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = { model: "spark", messages: question, temperature: 0 };

  await t.test("the same words whole and streamed, with usage and log probabilities", async () => {
    const whole = await client.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 3 });
    const text = whole.choices[0]?.message.content ?? "";
    assert.match(text, /Spark/);
    const scores = whole.choices[0]?.logprobs?.content ?? [];
    assert.equal(scores.map(({ token }) => token).join(""), text);
    for (const { logprob, top_logprobs: top } of scores) {
      assert.equal(top.length, 3);
      assert.ok(Math.abs((top[0]?.logprob ?? 0) - logprob) < 1e-6, "greedy draws the likeliest");
      assert.ok(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0) <= 1.0001);
    }
    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0]?.message.content, text);
    assert.equal(final.usage?.completion_tokens, whole.usage?.completion_tokens);
    const long = { ...ask, messages: [{ role: "user" as const, content: `${"Hello! ".repeat(20)}Who are you?` }] };
    await client.chat.completions.create(long);
    const again = await client.chat.completions.create(long);
    assert.equal(again.usage?.prompt_tokens_details?.cached_tokens, (again.usage?.prompt_tokens ?? 0) - 1);
  });

  await t.test("n, seed, stop, max_tokens", async () => {
    const draw = (seed: number) =>
      client.chat.completions.create({ ...ask, temperature: 1.2, seed, n: 2, max_tokens: 20 });
    const texts = async (seed: number) => (await draw(seed)).choices.map(({ message }) => message.content);
    const first = await texts(1);
    assert.deepEqual(await texts(1), first);
    assert.equal(first.length, 2);
    const stopped = await client.chat.completions.create({ ...ask, stop: "Spark" });
    assert.ok(!stopped.choices[0]?.message.content?.includes("Spark"));
    assert.equal((await client.chat.completions.create({ ...ask, max_tokens: 2 })).choices[0]?.finish_reason, "length");
  });

  await t.test("structured output is what the schema says", async () => {
    const schema = {
      type: "object",
      properties: { on: { type: "boolean" }, level: { type: "integer", minimum: 0, maximum: 9 } },
      required: ["on", "level"],
      additionalProperties: false,
    };
    const response_format = { type: "json_schema" as const, json_schema: { name: "light", strict: true, schema } };
    const { choices } = await client.chat.completions.create({ ...ask, response_format, max_tokens: 60 });
    const value = JSON.parse(choices[0]?.message.content ?? "");
    assert.equal(typeof value.on, "boolean");
    assert.ok(Number.isInteger(value.level) && value.level >= 0 && value.level <= 9);
  });

  await t.test("completions and embeddings", async () => {
    const { choices, usage } = await client.completions.create({
      model: "spark",
      prompt: "Once upon a time",
      temperature: 0,
    });
    assert.ok((choices[0]?.text.length ?? 0) > 0);
    assert.ok((usage?.completion_tokens ?? 0) <= 16);
    const input = ["Turn on the kitchen light", "Switch on the light in the kitchen", "A story about a dragon"];
    const { data } = await client.embeddings.create({ model: "spark", input });
    const similarity = (a = 0, b = 0) =>
      data[a]?.embedding.reduce((sum, value, i) => sum + value * (data[b]?.embedding[i] ?? 0), 0) ?? 0;
    assert.ok(Math.abs(similarity(0, 0) - 1) < 1e-4);
    assert.ok(similarity(0, 1) > similarity(0, 2), `${similarity(0, 1)} ${similarity(0, 2)}`);
    const again = await client.embeddings.create({ model: "spark", input: [input[1] ?? ""] });
    assert.deepEqual(again.data[0]?.embedding, data[1]?.embedding, "the same beside other texts and alone");
  });
});

test("ollama: chat, generate, embed, list, show, ps, pull, copy, delete, version", async (t) => {
  const daemon = await startDaemon(t, { model: spark, args: ["--alias", "spark"] });
  await daemon.logged("the model is ready");
  const client = new Ollama({ host: daemon.url });
  const options = { temperature: 0 };

  await t.test("the same words whole and streamed, from chat and from generate", async () => {
    const whole = await client.chat({ model: "spark", messages: question, options });
    assert.match(whole.message.content, /Spark/);
    let streamed = "";
    for await (const { message } of await client.chat({
      model: "spark:latest",
      messages: question,
      options,
      stream: true,
    })) {
      streamed += message.content;
    }
    assert.equal(streamed, whole.message.content);
    const generated = await client.generate({ model: "spark", prompt: "Hello! Who are you?", options });
    assert.equal(generated.response, whole.message.content);
    assert.equal(generated.eval_count, whole.eval_count);
  });

  await t.test("format: a schema is kept", async () => {
    const format = { type: "object", properties: { room: { enum: ["kitchen", "hall"] } }, required: ["room"] };
    const { message } = await client.chat({
      model: "spark",
      messages: question,
      format,
      options: { ...options, num_predict: 40 },
    });
    assert.match(JSON.parse(message.content).room, /^(kitchen|hall)$/);
  });

  await t.test("list, show, ps, version, embed, pull of what is there", async () => {
    assert.deepEqual(
      (await client.list()).models.map(({ name }) => name),
      ["spark:latest"],
    );
    assert.ok((await client.show({ model: "spark" })).capabilities.includes("tools"));
    assert.equal((await client.ps()).models[0]?.name, "spark:latest");
    assert.match((await client.version()).version, /^\d+\./);
    const { embeddings } = await client.embed({ model: "spark", input: ["a", "b"] });
    assert.equal(embeddings.length, 2);
    assert.equal((await client.pull({ model: "spark" })).status, "success");
  });

  await t.test("errors carry their status; a stream that is aborted gives its slot back", async () => {
    await assert.rejects(client.chat({ model: "other", messages: question }), { status_code: 404 });
    await assert.rejects(client.delete({ model: "other" }), { status_code: 404 });
    await assert.rejects(client.copy({ source: "other", destination: "x" }), { status_code: 404 });
    // Held to a long answer, so that it cannot be over before the client aborts.
    const format = { type: "array", items: { type: "integer" }, minItems: 400 };
    const stream = await client.chat({ model: "spark", messages: question, stream: true, format });
    await assert.rejects(async () => {
      for await (const _chunk of stream) stream.abort();
    });
    const deadline = Date.now() + 5000;
    while ((await daemon.metric("hearth_slots_busy")) > 0) assert.ok(Date.now() < deadline);
  });
});
