/** Checks of the AI SDK with any provider's language model. */
import assert from "node:assert/strict";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import {
  assertCity,
  assertOrderedCall,
  assertText,
  assertUnknownModel,
  check,
  maxTokens,
  model,
  Skip,
  scenario,
  unknownModel,
} from "./checks.mjs";

/** `provider`: from a model's name to a language model. */
export async function checkLanguageModel(provider) {
  const settings = { model: provider(model), temperature: 0, maxOutputTokens: maxTokens, maxRetries: 0 };

  await check("text", async () => {
    const { text, usage } = await generateText({ ...settings, prompt: scenario.question });
    assertText(text);
    assert.ok(usage.outputTokens > 0);
  });

  await check("text, streamed", async () => {
    const { textStream, finishReason } = streamText({ ...settings, prompt: scenario.question });
    let text = "";
    for await (const delta of textStream) text += delta;
    assertText(text);
    assert.ok(["stop", "length"].includes(await finishReason));
  });

  const tools = (ran) => ({
    [scenario.tool.name]: tool({
      description: scenario.tool.description,
      inputSchema: jsonSchema(scenario.tool.parameters),
      execute: (args) => {
        ran.push(args);
        return scenario.result;
      },
    }),
  });
  const order = { ...settings, system: scenario.instructions, prompt: scenario.order, stopWhen: stepCountIs(2) };

  await check("tools", async () => {
    const ran = [];
    const { steps } = await generateText({ ...order, tools: tools(ran) });
    assertOrderedCall(scenario.tool.name, ran[0]);
    assert.equal(steps.length, 2);
  });

  await check("tools, streamed", async () => {
    const ran = [];
    const result = streamText({ ...order, tools: tools(ran) });
    await result.consumeStream({
      onError: (error) => {
        throw error;
      },
    });
    assert.equal((await result.steps).length, 2);
    assertOrderedCall(scenario.tool.name, ran[0]);
  });

  await check("JSON schema", async () => {
    const output = Output.object({ schema: jsonSchema(scenario.schema) });
    const result = await generateText({ ...settings, prompt: scenario.wish, output });
    assertCity(result.output);
  });

  await check("an unknown model", async () => {
    await assertUnknownModel(() => generateText({ ...settings, model: provider(unknownModel), prompt: "Hello" }));
  });

  await check("images", async () => {
    const content = [{ type: "image", image: Buffer.from(scenario.image, "base64") }];
    const error = await generateText({ ...settings, messages: [{ role: "user", content }] }).catch((reason) => reason);
    assert.match(String(error.message), /image/i);
    throw new Skip(`hearth reads text only, and says so: ${error.message}`);
  });
}
