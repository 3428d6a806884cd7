import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { startDaemon } from "../../helpers/daemon.js";
import { homeInstructions, homeTools, spark } from "../../helpers/home.js";

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

  await t.test("tools: a call whole and streamed, by tool_choice and by parallel_tool_calls", async () => {
    const asked = {
      ...ask,
      messages: [
        { role: "system" as const, content: homeInstructions },
        { role: "user" as const, content: "Turn on the kitchen light" },
      ],
      tools: homeTools().map((tool) => ({ type: "function" as const, function: tool })),
      max_tokens: 200,
    };
    const whole = await client.chat.completions.create(asked);
    const [choice] = whole.choices;
    assert.equal(choice?.finish_reason, "tool_calls", JSON.stringify(choice));
    const called = choice.message.tool_calls?.map((call) => call.type === "function" && call.function);
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    const streamed = final.choices[0]?.message.tool_calls?.map(({ function: f }) => f);
    assert.deepEqual(
      streamed?.map(({ name, arguments: args }) => [name, args]),
      called?.map((call) => call && [call.name, call.arguments]),
    );
    const required = { ...asked, messages: question, tool_choice: "required" as const };
    assert.equal((await client.chat.completions.create(required)).choices[0]?.finish_reason, "tool_calls");
    const named = { type: "function" as const, function: { name: "HassTurnOff" } };
    const forced = await client.chat.completions.create({ ...asked, tool_choice: named, parallel_tool_calls: false });
    const calls = forced.choices[0]?.message.tool_calls ?? [];
    assert.deepEqual(
      calls.map((call) => call.type === "function" && call.function.name),
      ["HassTurnOff"],
    );
    const none = await client.chat.completions.create({ ...asked, tool_choice: "none" });
    assert.equal(none.choices[0]?.message.tool_calls, undefined);
  });

  await t.test("json_object, user, timings; several answers in one stream", async () => {
    const object = { ...ask, response_format: { type: "json_object" as const }, max_tokens: 200 };
    const { choices } = await client.chat.completions.create(object);
    if (choices[0]?.finish_reason === "stop")
      assert.equal(typeof JSON.parse(choices[0].message.content ?? ""), "object");
    const told = await client.chat.completions.create({ ...ask, user: "01JCONVERSATION", presence_penalty: 0.1 });
    const { timings } = told as unknown as { timings: Record<string, number> };
    assert.equal(timings.predicted_n, told.usage?.completion_tokens);
    assert.ok((timings.predicted_ms ?? 0) > 0 && (timings.predicted_per_second ?? 0) > 0);
    const texts = ["", ""];
    let usage = 0;
    const many = { ...ask, n: 2, seed: 3, temperature: 1, max_tokens: 8, stream: true as const };
    for await (const chunk of await client.chat.completions.create({
      ...many,
      stream_options: { include_usage: true },
    })) {
      for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? "";
      usage = chunk.usage?.completion_tokens ?? usage;
    }
    const again = await client.chat.completions.create({ ...many, stream: false });
    assert.deepEqual(
      texts,
      again.choices.map(({ message }) => message.content),
    );
    assert.equal(usage, again.usage?.completion_tokens);
  });

  await t.test("models: the list, and one", async () => {
    const names: string[] = [];
    for await (const { id } of client.models.list()) names.push(id);
    assert.deepEqual(names, ["spark"]);
    assert.equal((await client.models.retrieve("spark")).object, "model");
    await assert.rejects(client.models.retrieve("other"), OpenAI.NotFoundError);
  });

  await t.test("completions: a stream of several prompts, with stop, seed, usage and log probabilities", async () => {
    const request = {
      ...{ model: "spark", prompt: ["Once upon a time", "The light"], max_tokens: 12, temperature: 1, seed: 5 },
      ...{ logprobs: 2, stop: ["."] },
    };
    const whole = await client.completions.create(request);
    assert.ok(whole.choices.every(({ text, logprobs }) => !text.includes(".") && logprobs?.top_logprobs?.length));
    const texts = ["", ""];
    let tokens = 0;
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const { choices, usage } of stream) {
      for (const { index, text } of choices) texts[index] += text;
      tokens = usage?.total_tokens ?? tokens;
    }
    assert.deepEqual(
      texts,
      whole.choices.map(({ text }) => text),
    );
    assert.equal(tokens, whole.usage?.total_tokens);
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
    const floats = await client.embeddings.create({ model: "spark", input: input[0] ?? "", encoding_format: "float" });
    const [numbers, decoded] = [floats.data[0]?.embedding ?? [], data[0]?.embedding ?? []];
    assert.ok(numbers.length > 0 && numbers.every((value, i) => Math.abs(value - (decoded[i] ?? 0)) < 1e-6));
  });
});
