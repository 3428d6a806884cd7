/** The npm client `ollama`: chat, generate, embed, and what it asks of models. */
import assert from "node:assert/strict";
import { Ollama } from "ollama";
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

const client = new Ollama({ host: url });
const options = { temperature: 0, num_predict: maxTokens };
const question = [{ role: "user", content: scenario.question }];

await check("chat", async () => {
  const answer = await client.chat({ model, messages: question, options });
  assertText(answer.message.content);
  assert.ok(answer.eval_count > 0);
});

await check("chat, streamed", async () => {
  let text = "";
  let last;
  for await (const part of await client.chat({ model, messages: question, options, stream: true })) {
    text += part.message.content;
    last = part;
  }
  assertText(text);
  assert.equal(last.done, true);
});

await check("chat, tools, streamed", async () => {
  const tools = [{ type: "function", function: scenario.tool }];
  const messages = [
    { role: "system", content: scenario.instructions },
    { role: "user", content: scenario.order },
  ];
  const calls = [];
  for await (const { message } of await client.chat({ model, messages, tools, options, stream: true })) {
    calls.push(...(message.tool_calls ?? []));
  }
  assertOrderedCall(calls[0].function.name, calls[0].function.arguments);
  messages.push({ role: "assistant", content: "", tool_calls: calls });
  messages.push({ role: "tool", tool_name: scenario.tool.name, content: scenario.result });
  const told = await client.chat({ model, messages, tools, options });
  assert.ok(told.message.content || told.message.tool_calls);
});

await check("chat, JSON schema", async () => {
  const messages = [{ role: "user", content: scenario.wish }];
  const answer = await client.chat({ model, messages, options, format: scenario.schema });
  assertCity(JSON.parse(answer.message.content));
});

await check("generate", async () => {
  const answer = await client.generate({ model, prompt: scenario.question, options });
  assertText(answer.response);
});

await check("embed", async () => {
  const { embeddings } = await client.embed({ model, input: scenario.texts });
  assertEmbeddings(embeddings);
});

await check("models", async () => {
  const { models } = await client.list();
  assert.ok(models.some(({ name }) => name.replace(/:latest$/, "") === model));
  const shown = await client.show({ model });
  assert.ok(shown.capabilities.includes("completion"));
  assert.ok((await client.ps()).models.some(({ name }) => name.replace(/:latest$/, "") === model));
  assert.ok((await client.version()).version);
});

await check("an unknown model", async () => {
  await assertUnknownModel(() => client.chat({ model: unknownModel, messages: question }));
});

await check("images", async () => {
  const messages = [{ role: "user", content: "What is that?", images: [scenario.image] }];
  const error = await client.chat({ model, messages, options }).catch((reason) => reason);
  assert.match(String(error.message), /image/i);
  throw new Skip(`hearth reads text only, and says so: ${error.message}`);
});
