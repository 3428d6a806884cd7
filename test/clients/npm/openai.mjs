/** The npm client `openai`: chat completions, responses, completions, embeddings and models. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import {
  assertCity,
  assertEmbeddings,
  assertOrderedCall,
  assertText,
  assertUnknownModel,
  check,
  maxTokens,
  model,
  Skip,
  scenario,
  unknownModel,
  url,
} from "./checks.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const question = [{ role: "user", content: scenario.question }];
const chat = (body) => client.chat.completions.create({ model, temperature: 0, max_tokens: maxTokens, ...body });
const respond = (body) => client.responses.create({ model, temperature: 0, max_output_tokens: maxTokens, ...body });

await check("chat", async () => {
  const answer = await chat({ messages: question });
  assertText(answer.choices[0].message.content);
  assert.ok(answer.usage.completion_tokens > 0);
});

await check("chat, streamed", async () => {
  const stream = client.chat.completions.stream({ model, temperature: 0, max_tokens: maxTokens, messages: question });
  let text = "";
  stream.on("content", (delta) => {
    text += delta;
  });
  const whole = await stream.finalContent();
  assertText(whole);
  assert.equal(text, whole);
});

await check("chat, tools", async () => {
  const tools = [{ type: "function", function: scenario.tool }];
  const messages = [
    { role: "system", content: scenario.instructions },
    { role: "user", content: scenario.order },
  ];
  const asked = await chat({ messages, tools });
  assert.equal(asked.choices[0].finish_reason, "tool_calls");
  const [call] = asked.choices[0].message.tool_calls;
  assertOrderedCall(call.function.name, JSON.parse(call.function.arguments));
  const result = { role: "tool", tool_call_id: call.id, content: scenario.result };
  const told = await chat({ messages: [...messages, asked.choices[0].message, result], tools });
  assert.ok(told.choices[0].message.content || told.choices[0].message.tool_calls);
});

await check("chat, tools run by the client, streamed", async () => {
  const ran = [];
  const run = (args) => {
    ran.push(args);
    return scenario.result;
  };
  const runner = client.chat.completions.runTools(
    {
      model,
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      messages: [
        { role: "system", content: scenario.instructions },
        { role: "user", content: scenario.order },
      ],
      tools: [{ type: "function", function: { ...scenario.tool, function: run, parse: JSON.parse } }],
    },
    { maxChatCompletions: 2 },
  );
  await runner.done();
  assertOrderedCall(scenario.tool.name, ran[0]);
});

await check("chat, JSON schema", async () => {
  const answer = await chat({
    messages: [{ role: "user", content: scenario.wish }],
    response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema: scenario.schema } },
  });
  assertCity(JSON.parse(answer.choices[0].message.content));
});

await check("responses", async () => {
  const answer = await respond({ input: scenario.question });
  assertText(answer.output_text);
});

await check("responses, streamed, with a previous one", async () => {
  const first = await respond({ input: scenario.question });
  const stream = client.responses.stream({
    model,
    temperature: 0,
    max_output_tokens: maxTokens,
    input: "And what can you do?",
    previous_response_id: first.id,
  });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => {
    text += delta;
  });
  const whole = await stream.finalResponse();
  assertText(whole.output_text);
  assert.equal(text, whole.output_text);
});

await check("responses, tools", async () => {
  const tools = [{ type: "function", strict: false, ...scenario.tool }];
  const input = [{ role: "user", content: scenario.order }];
  const asked = await respond({ instructions: scenario.instructions, tools, input });
  const call = asked.output.find(({ type }) => type === "function_call");
  assertOrderedCall(call.name, JSON.parse(call.arguments));
  const result = { type: "function_call_output", call_id: call.call_id, output: scenario.result };
  const told = await respond({
    instructions: scenario.instructions,
    tools,
    input: [...input, ...asked.output, result],
  });
  assert.ok(told.output.length > 0);
});

await check("responses, JSON schema", async () => {
  const format = { type: "json_schema", name: "city", strict: true, schema: scenario.schema };
  const answer = await respond({ input: scenario.wish, text: { format } });
  assertCity(JSON.parse(answer.output_text));
});

await check("completions", async () => {
  const answer = await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 8, temperature: 0 });
  assertText(answer.choices[0].text);
});

await check("embeddings", async () => {
  const { data } = await client.embeddings.create({ model, input: scenario.texts });
  assertEmbeddings(data.map(({ embedding }) => embedding));
});

await check("models", async () => {
  const { data } = await client.models.list();
  assert.ok(data.some(({ id }) => id === model));
  assert.equal((await client.models.retrieve(model)).id, model);
});

await check("an unknown model", async () => {
  await assertUnknownModel(() => chat({ model: unknownModel, messages: question }));
  const error = await chat({ model: unknownModel, messages: question }).catch((reason) => reason);
  assert.ok(error instanceof OpenAI.NotFoundError);
});

await check("images", async () => {
  const image_url = { url: `data:image/png;base64,${scenario.image}` };
  const error = await chat({ messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] }).catch(
    (reason) => reason,
  );
  assert.ok(error instanceof OpenAI.BadRequestError);
  throw new Skip(`hearth reads text only, and says so: ${error.message}`);
});
