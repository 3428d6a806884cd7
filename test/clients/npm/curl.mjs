/** The command `curl` as examples on the web use it: bodies with `-d`, which does not say that they are JSON. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  assertCity,
  assertOrderedCall,
  assertText,
  assertUnknownModel,
  check,
  maxTokens,
  model,
  scenario,
  unknownModel,
  url,
} from "./checks.mjs";

async function curl(path, body, ...args) {
  const data = body === null ? [] : ["-d", JSON.stringify(body)];
  const { stdout } = await promisify(execFile)("curl", ["-sS", "-N", ...args, `${url}${path}`, ...data]);
  return stdout;
}

const lines = (text) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const options = { temperature: 0, num_predict: maxTokens };
const messages = [{ role: "user", content: scenario.question }];

await check("/api/chat, streamed", async () => {
  const parts = lines(await curl("/api/chat", { model, messages, options }));
  assertText(parts.map(({ message }) => message.content).join(""));
  assert.equal(parts.at(-1).done, true);
});

await check("/api/generate", async () => {
  const answer = await curl("/api/generate", { model, prompt: scenario.question, stream: false, options });
  assertText(JSON.parse(answer).response);
});

await check("/api/chat, tools", async () => {
  const order = [
    { role: "system", content: scenario.instructions },
    { role: "user", content: scenario.order },
  ];
  const tools = [{ type: "function", function: scenario.tool }];
  const answer = JSON.parse(await curl("/api/chat", { model, messages: order, tools, stream: false, options }));
  assertOrderedCall(answer.message.tool_calls[0].function.name, answer.message.tool_calls[0].function.arguments);
});

await check("/api/chat, JSON schema", async () => {
  const wish = [{ role: "user", content: scenario.wish }];
  const body = { model, messages: wish, stream: false, format: scenario.schema, options };
  assertCity(JSON.parse(JSON.parse(await curl("/api/chat", body)).message.content));
});

await check("/api/tags", async () => {
  assert.ok(JSON.parse(await curl("/api/tags", null)).models.some(({ name }) => name === `${model}:latest`));
});

await check("/v1/chat/completions, streamed", async () => {
  const body = { model, messages, stream: true, temperature: 0, max_tokens: maxTokens };
  const events = await curl("/v1/chat/completions", body, "-H", "Content-Type: application/json");
  const data = events.split("\n").filter((line) => line.startsWith("data: "));
  assert.equal(data.pop(), "data: [DONE]");
  assertText(data.map((line) => JSON.parse(line.slice("data: ".length)).choices[0]?.delta.content ?? "").join(""));
});

await check("an unknown model", async () => {
  const answer = await curl("/api/chat", { model: unknownModel, messages });
  await assertUnknownModel(() => Promise.reject(new Error(JSON.parse(answer).error)));
});
